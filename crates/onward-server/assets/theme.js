// Sets the colours before the first paint: automatic, light or dark, as chosen last.
(() => {
  try {
    const chosen = localStorage.getItem("onward-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // Storage may be forbidden; then the system's choice holds.
  }
})();
