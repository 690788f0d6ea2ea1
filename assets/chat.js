/* Sends the chat page's own form, and shows the answer as it comes. Without
 * this script the same form works: the answer comes with the next page.
 * The conversation stays in the form's hidden fields. */
"use strict";
(function () {
  const at = (id) => document.getElementById(id);
  const form = at("talk"), say = at("say"), turns = at("turns");
  const name = document.querySelector("h1").textContent.split("/").pop().trim();
  let asking = null;

  at("say-hint").textContent = "Enter sends, Shift and Enter begin a new line.";
  at("stop").hidden = false;
  at("stop").disabled = true;

  function make(tag, type, text) {
    const e = document.createElement(tag);
    if (type) e.className = type;
    if (text !== undefined) e.textContent = text;
    return e;
  }

  function turn(who, text) {
    const li = make("li", who === "You" ? "mine" : "");
    const said = make("div", "said", text);
    li.append(make("p", "who", who), said);
    turns.append(li);
    at("nothing").textContent = "";
    return said;
  }

  function hidden(field, value) {
    const e = make("input");
    e.type = "hidden";
    e.name = field;
    e.value = value;
    form.insertBefore(e, form.querySelector(".field"));
  }

  /* The same words as the server's, in the same shape. */
  function notice(said, n, request) {
    const box = make("div", "why" + (n.hard ? " held" : ""));
    const p = make("p"), dots = make("p", "dots");
    box.setAttribute("role", "note");
    p.append(make("b", "", n.title), " " + n.why);
    const reason = make("span", "", "reason ");
    reason.append(make("code", "", n.category));
    dots.append(reason);
    if (request) {
      const r = make("span", "", "request ");
      r.append(make("code", "wrap", request));
      dots.append(r);
    }
    if (n.url) {
      const span = make("span"), a = make("a", "", n.appeal ? "report a mistake" : "read on");
      a.href = n.url;
      span.append(a);
      dots.append(span);
    }
    box.append(p, dots);
    said.after(box);
  }

  function left(l) {
    for (const what of ["requests", "tokens", "seconds"]) {
      const e = at("left-" + what);
      if (e) e.textContent = l[what].toLocaleString("en");
    }
  }

  /* Whole events out of what has arrived; what is left of it comes back. */
  function events(text, each) {
    let end;
    while ((end = text.indexOf("\n\n")) >= 0) {
      let kind = "", data = "";
      for (const line of text.slice(0, end).split("\n")) {
        if (line.startsWith("event: ")) kind = line.slice(7);
        if (line.startsWith("data: ")) data += line.slice(6);
      }
      if (data) each(kind, JSON.parse(data));
      text = text.slice(end + 2);
    }
    return text;
  }

  function busy(on) {
    at("send").disabled = on;
    at("stop").disabled = !on;
  }

  async function read(answer, each) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      rest = events(rest + value, each);
    }
  }

  async function ask(text) {
    const body = new URLSearchParams(new FormData(form));
    asking = new AbortController();
    busy(true);
    say.value = "";
    turn("You", text);
    const said = turn(name, "");
    said.setAttribute("aria-busy", "true");
    at("live").textContent = "Asked. The answer is coming.";
    let whole = "", end = null;
    try {
      const answer = await fetch(form.action, {
        method: "POST", body, signal: asking.signal, headers: { Accept: "text/event-stream" },
      });
      if (!(answer.headers.get("Content-Type") || "").startsWith("text/event-stream")) {
        throw new Error("The house answered " + answer.status + ". Load this page again.");
      }
      await read(answer, (kind, data) => {
        if (kind === "text") { whole += data; said.append(data); }
        if (kind === "end") end = data;
      });
      if (!end) throw new Error("The connection ended before the answer did.");
    } catch (e) {
      const stopped = e.name === "AbortError";
      end = { notice: {
        title: stopped ? "You stopped it." : "The answer did not come to its end.",
        why: stopped ? "" : e.message, category: stopped ? "stopped" : "connection", url: "",
      } };
    }
    said.removeAttribute("aria-busy");
    finish(text, whole, said, end);
  }

  function finish(text, whole, said, end) {
    if (end.notice) notice(said, end.notice, end.request);
    if (end.left) left(end.left);
    if (end.notice && end.notice.category === "engine_unavailable") {
      document.dispatchEvent(new Event("engine-asked"));
    }
    if (whole) {
      hidden("user", text);
      hidden("assistant", whole);
    } else if (say.value === "") {
      say.value = text; /* it was not answered: to be sent again */
    }
    at("live").textContent = (end.notice ? end.notice.title + " " + end.notice.why + " " : "") +
      (whole ? name + ": " + whole : "");
    asking = null;
    busy(false);
    say.focus();
  }

  function send() {
    const text = say.value.replace(/\r/g, "").trim();
    if (text && !asking) ask(text);
  }

  form.addEventListener("submit", (e) => { e.preventDefault(); send(); });
  say.addEventListener("keydown", (e) => {
    if (e.key === "Enter" && !e.shiftKey && !e.isComposing) { e.preventDefault(); send(); }
  });
  document.addEventListener("engine", (e) => {
    if (e.detail === "ready" && say.value && !asking) {
      at("say-hint").textContent = "The model is ready now: send it.";
    }
  });
  at("stop").addEventListener("click", () => asking && asking.abort());
})();
