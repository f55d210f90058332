// The few things on a page that style sheets cannot do. Inlined into every page by adl_pages.py.

// Formulas and tables that are wider than the page scroll in their own box; the keyboard must be
// able to reach such a box, and only such a box.
(() => {
  const boxes = {
    ".adl-formula": "Formula, scrolls sideways",
    ".pst-scrollable-table-container, .cell_output .text_html": "Table, scrolls sideways",
  };
  const mark = () => {
    for (const [selector, label] of Object.entries(boxes)) {
      for (const box of document.querySelectorAll(selector)) {
        if (box.scrollWidth > box.clientWidth + 1) {
          box.tabIndex = 0;
          box.setAttribute("role", "group");
          box.setAttribute("aria-label", label);
        } else if (box.getAttribute("aria-label") === label) {
          for (const name of ["tabindex", "role", "aria-label"]) box.removeAttribute(name);
        }
      }
    }
  };
  addEventListener("load", mark);
  addEventListener("resize", mark);
  addEventListener("toggle", mark, true);
})();

// Paper is light, whatever the screen is.
(() => {
  const {dataset} = document.documentElement;
  let onScreen;
  addEventListener("beforeprint", () => {
    onScreen = dataset.theme;
    dataset.theme = "light";
  });
  addEventListener("afterprint", () => {
    dataset.theme = onScreen;
  });
})();
