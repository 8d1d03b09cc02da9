// One look at the rows of a large job ends after a moment. A search that has found nothing by then goes on
// by itself, look by look, until it has found something or nothing is left; without this script a link does it.

const looked = document.getElementById("looked");
const bar = document.getElementById("searched");
const link = document.querySelector("a[data-search-on]");

async function searchOn() {
  let asked = true;
  const title = document.getElementById("search-state");
  const stop = document.getElementById("search-stop");
  const stopped = () => {
    asked = false;
    title.textContent = "No match so far";
    stop.hidden = true;
    link.hidden = false;
    link.focus();
  };
  stop.addEventListener("click", stopped, { once: true });
  addEventListener("pagehide", () => (asked = false));
  title.textContent = "Searching…";
  bar.hidden = stop.hidden = false;
  link.hidden = true;
  while (asked) {
    const answer = await fetch(link.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (!asked) return;
    if (!answer.ok) return stopped();
    const html = new DOMParser().parseFromString(await answer.text(), "text/html");
    const further = html.querySelector("a[data-search-on]");
    // Found, or at the end: a page of its own, which replaces the one that had nothing to show.
    if (!further || !html.getElementById("looked")) return void location.replace(link.href);
    looked.textContent = html.getElementById("looked").textContent;
    bar.value = html.getElementById("searched").value;
    link.href = further.href;
  }
}

if (looked && link) searchOn().catch(() => location.replace(link.href));
