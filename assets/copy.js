/* Buttons that copy a text of the page; without this script they are not shown. */
"use strict";
(function () {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const said = button.parentElement.querySelector("[data-copied]");
    button.hidden = false;
    button.addEventListener("click", async () => {
      const from = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(from.value === undefined ? from.textContent : from.value);
        said.textContent = "Copied.";
      } catch (e) {
        const range = document.createRange();
        range.selectNodeContents(from);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
        said.textContent = "Could not copy: it is selected, copy it yourself.";
      }
    });
  }
})();
