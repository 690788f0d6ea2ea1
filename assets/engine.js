/* Follows the engine of a model while its state moves: asks for the same words
 * that the page had, and puts them there. Without this script one loads the
 * page again. */
"use strict";
(function () {
  const FIRST_MS = 2000, MOST_MS = 15000;
  const place = document.getElementById("engine");
  const said = document.getElementById("engine-said");
  const state = () => place.querySelector("[data-state]").dataset.state;
  let timer = null, wait = FIRST_MS;

  function hint() {
    const moves = place.querySelector("[data-moves]");
    if (moves) moves.hidden = true;
    return moves !== null;
  }

  async function look() {
    timer = null;
    const before = state();
    try {
      const answer = await fetch(place.dataset.from, { headers: { Accept: "text/html" } });
      if (!answer.ok) return;
      place.innerHTML = await answer.text();
    } catch (e) {
      return; /* the house is not reached: the page stays as it is */
    }
    wait = Math.min(1.2 * wait, MOST_MS);
    if (state() !== before) {
      wait = FIRST_MS;
      said.textContent = "Engine: " + state() + ".";
      document.dispatchEvent(new CustomEvent("engine", { detail: state() }));
    }
    follow(hint());
  }

  function follow(moves) {
    if (moves && timer === null) timer = setTimeout(look, wait);
  }

  document.addEventListener("engine-asked", () => follow(true));
  follow(hint());
})();
