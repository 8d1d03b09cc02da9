// One look at the rows of a large job ends after a moment. A search that has found nothing by then goes on
// by itself, look by look, until it has found something or nothing is left; without this script a link does it.

const looked = document.getElementById("looked");
const link = document.querySelector("a[data-search-on]");

function startSearch() {
  const title = document.getElementById("search-state");
  const bar = document.getElementById("searched");
  const stop = document.getElementById("search-stop");
  let asked = true;

  // Also when a look fails: leaving the page may do that, and must not lead anywhere else.
  function stopSearch() {
    asked = false;
    title.textContent = "No match so far";
    stop.hidden = true;
    link.hidden = false;
    link.focus();
  }

  async function search() {
    while (asked) {
      const answer = await fetch(link.href, { headers: { Accept: "text/html" }, cache: "no-store" });
      if (!asked) return;
      if (!answer.ok) return stopSearch();
      const html = new DOMParser().parseFromString(await answer.text(), "text/html");
      const [further, soFar] = [html.querySelector("a[data-search-on]"), html.getElementById("looked")];
      // Found, or at the end: a page of its own, which replaces the one that had nothing to show.
      if (!further || !soFar) return location.replace(link.href);
      looked.textContent = soFar.textContent;
      bar.value = html.getElementById("searched").value;
      link.href = further.href;
    }
  }

  title.textContent = "Searching…";
  bar.hidden = stop.hidden = false;
  link.hidden = true;
  stop.addEventListener("click", stopSearch, { once: true });
  search().catch(() => asked && stopSearch());
}

if (looked && link) startSearch();
