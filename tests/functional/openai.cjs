// The official client of npm against a gateway: node openai.cjs URL KEY MODEL
const OpenAI = require("openai").default ?? require("openai");

const [, , baseURL, apiKey, model] = process.argv;
const say = (text) => [{ role: "user", content: text }];
const order = (o) => say(JSON.stringify(o));

async function main() {
  const c = new OpenAI({ baseURL, apiKey, maxRetries: 0 });
  const out = {};
  const whole = await c.chat.completions.create({ model, messages: say("one two") });
  out.whole = whole.choices[0].message.content;
  out.request_id = Boolean(whole._request_id);
  let text = "";
  const stream = await c.chat.completions.create({
    model, messages: say("a b c"), stream: true, stream_options: { include_usage: true } });
  for await (const x of stream) {
    if (x.usage) out.usage = x.usage.completion_tokens;
    if (x.choices[0]?.finish_reason) out.finish = x.choices[0].finish_reason;
    text += x.choices[0]?.delta?.content ?? "";
  }
  out.stream = text;
  out.models = (await c.models.list()).data.some((m) => m.id === model);
  try {
    await c.chat.completions.create({ model: "no/such", messages: say("x") });
  } catch (e) {
    out.missing = `${e.code} ${e.status}`;
  }
  try {
    const s = await c.chat.completions.create({
      model, stream: true, messages: order({ do: "stream", tokens: ["a"], then: "die" }) });
    for await (const x of s) void x;
  } catch (e) {
    out.cut = e.code;
  }
  let tries = 0;
  const counting = (...a) => { tries++; return fetch(...a); };
  try {
    await new OpenAI({ baseURL, apiKey, maxRetries: 2, fetch: counting }).chat.completions.create(
      { model, messages: order({ do: "error", status: 503, message: "x" }) });
  } catch {
    out.retries = tries;
  }
  console.log(JSON.stringify(out));
}

main().catch((e) => { console.error(e); process.exit(1); });
