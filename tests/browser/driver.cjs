// driver.cjs URL - drives Debian's Chromium for test_pages.py. One JSON object
// a line comes in, {"step": name, ...}, and one goes out, {"value": ...} or
// {"error": "..."}. Playwright and axe are found by NODE_PATH.
"use strict";
const { chromium } = require("playwright-core");
const fs = require("fs");
const readline = require("readline");

const base = process.argv[2];
const axeSource = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
let browser, context, page;
let complaints = [];

// A fresh profile: no cookies of the step before.
async function fresh({ width = 1280, height = 800, dark = false, script = true }) {
  if (context) await context.close();
  context = await browser.newContext({
    viewport: { width, height }, colorScheme: dark ? "dark" : "light", javaScriptEnabled: script,
  });
  await context.exposeFunction("whViolation", (what) => complaints.push("policy: " + what));
  await context.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (e) =>
      window.whViolation(e.violatedDirective + " " + e.blockedURI));
  });
  page = await context.newPage();
  page.on("pageerror", (e) => complaints.push("script: " + e.message));
  page.on("console", (m) => {
    if (m.type() === "error" && !/the server responded with a status of/.test(m.text())) {
      complaints.push("console: " + m.text());
    }
  });
  page.on("request", (r) => {
    if (!r.url().startsWith(base) && !r.url().startsWith("data:")) complaints.push("outside: " + r.url());
  });
}

// What lies beyond the right edge and is not inside something that scrolls.
const sideways = () => {
  const edge = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= edge) return [];
  return [...document.querySelectorAll("body *")]
    .filter((e) => e.getBoundingClientRect().right > edge + 1)
    .filter((e) => !e.closest(".scroll, pre, .tabs, svg, .skip, .sr"))
    .slice(0, 5).map((e) => `${e.tagName}.${e.className}`);
};

// The element that has the focus, as a person would name it.
const focused = () => {
  const e = document.activeElement;
  return e ? (e.getAttribute("aria-label") || e.textContent || e.tagName).trim().split("\n")[0] : "";
};

const steps = {
  fresh,
  async goto({ path }) {
    const answer = await page.goto(base + path);
    return { status: answer.status(), url: page.url().slice(base.length) };
  },
  async text({ selector = "body" }) { return page.locator(selector).first().innerText(); },
  async count({ selector }) { return page.locator(selector).count(); },
  async attribute({ selector, name }) { return page.locator(selector).first().getAttribute(name); },
  async fill({ selector, value }) { await page.fill(selector, value); },
  async check({ selector }) { await page.check(selector); },
  async select({ selector, value }) { await page.selectOption(selector, value); },
  async value({ selector }) { return page.locator(selector).first().inputValue(); },
  async focus({ selector }) { await page.locator(selector).first().focus(); },
  async type({ text }) { await page.keyboard.type(text); },
  async box({ selector }) {
    return page.locator(selector).first().evaluate((e) => {
      const r = e.getBoundingClientRect();
      return [r.x + scrollX, r.y + scrollY, r.width, r.height];
    });
  },
  async focus_id() { return page.evaluate(() => document.activeElement.id); },
  async press({ key }) { await page.keyboard.press(key); },
  async click({ selector }) {
    await page.locator(selector).first().click();
    await page.waitForLoadState("load");
    return page.url().slice(base.length);
  },
  async submit({ selector, key = "Enter" }) {
    await Promise.all([page.waitForNavigation(), page.locator(selector).first().press(key)]);
    return page.url().slice(base.length);
  },
  async wait({ selector, seconds = 10 }) {
    await page.waitForSelector(selector, { timeout: 1000 * seconds });
  },
  async url() { return page.url().slice(base.length); },
  async focused() { return page.evaluate(focused); },
  async cookies() { return context.cookies(); },
  async sideways() { return page.evaluate(sideways); },
  async axe() {
    await page.evaluate(axeSource);
    const found = await page.evaluate((only) => axe.run(document, { runOnly: only }), rules);
    return found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`);
  },
  async shot({ file }) { await page.screenshot({ path: file, fullPage: true }); },
  async complaints() { const all = complaints; complaints = []; return all; },
};

async function main() {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM || "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", "--no-first-run"],
  });
  await fresh({});
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { step, ...rest } = JSON.parse(line);
    let out;
    try {
      out = { value: (await steps[step](rest)) ?? null };
    } catch (e) {
      out = { error: `${step}: ${e.message}` };
    }
    process.stdout.write(JSON.stringify(out) + "\n");
  }
  await browser.close();
}

main().catch((e) => { process.stderr.write(String(e.stack) + "\n"); process.exit(1); });
