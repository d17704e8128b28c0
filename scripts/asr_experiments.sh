#!/usr/bin/env bash
# The trainings and measurements of docs/results/asr: five hours on two cores. Each goes on where it was stopped.
# Wants flite, espeak-ng and what `build_language_model` needs (Debian: apt-get install flite espeak-ng cmake g++ libboost-all-dev).
set -euo pipefail
cd "$(dirname "$0")/.."
data=$(realpath "${VIDEOPORTAL_DATA:-../shared/data}")
runs=var/experiments
results=docs/results/asr
python=.venv/bin/python
mkdir -p "$runs/synthetic-grid" "$results"
export OMP_NUM_THREADS=1

learn() { # learn RUN ARGUMENT...: a run of finetune_asr
    $python manage.py finetune_asr --output "$runs/$1" --train-feature-encoder --bf16 --batch 16 "${@:2}"
    cp "$runs/$1/curves.csv" "$results/$1_curves.csv"
    cp "$runs/$1/curves.png" "$results/$1_curves.png"
}

on_grid() { # on_grid RUN ARGUMENT...: one speaker's sentences, of which a fifth is kept out
    learn "$1" --data "$data/grid/words.jsonl" --only '*/s1/*' --test 0.2 --validation 0.05 --checkpoint-every 100 "${@:2}"
}

on_kathleen() { # on_kathleen RUN ARGUMENT...
    learn "$1" --data "$data/speech/kathleen.jsonl" --test 0.12 --validation 0.04 --voiced-only --skip-unusable "${@:2}"
}

spliced() { # spliced SEED SENTENCES: words of the recordings that are learned, in new orders
    [ -e "$runs/spliced-$1/spliced.jsonl" ] || $python -m scripts.splice_speech --data "$runs/grid-3/training.jsonl" \
        --words "$data/grid/words.jsonl" --seed "$1" --sentences "$2" --output "$runs/spliced-$1"
}

# --- 51 words: GRID. From nothing; then labels where somebody speaks; then at any place; then in any order. ---
gentle=(--speed 0.1 --bands 1 --mask-time 0.03)
harder=(--speed 0.12 --bands 2 --noise 0.02 --mask-time 0.05 --voiced-only --margin-s 0.4 --warmup 100)
others=$runs/grid-others.jsonl
$python -m scripts.synthesize_speech --grid --sentences 800 --output "$runs/synthetic-grid"
head -n 400 "$runs/synthetic-grid/synthetic.jsonl" >"$runs/synthetic-grid/some.jsonl"
grep -v '"s1/' "$data/grid/words.jsonl" | sed "s#\"clip\": \"#&$data/grid/#" >"$others"
on_grid grid-1 --fresh small --steps 2500 --warmup 200 --learning-rate 1e-3 "${gentle[@]}"
on_grid grid-2 --model "$runs/grid-1" --voiced-only --steps 1400 --warmup 50 --learning-rate 8e-4 "${gentle[@]}"
on_grid grid-3 --model "$runs/grid-2" --more "$runs/synthetic-grid/some.jsonl" "$others" --voiced-only --margin-s 0.4 \
    --steps 1100 --warmup 30 --learning-rate 8e-4 "${gentle[@]}"
spliced 0 4000
on_grid grid-4 --model "$runs/grid-3" --more "$runs/spliced-0/spliced.jsonl" "$others" --steps 2600 --learning-rate 1e-3 "${harder[@]}"
spliced 1 8000
on_grid grid-5 --model "$runs/grid-4" --more "$runs/spliced-1/spliced.jsonl" "$others" --steps 2800 --learning-rate 8e-4 "${harder[@]}"

cat "$runs/grid-3/training.jsonl" "$runs/spliced-0/spliced.jsonl" |
    $python -c 'import json, sys; [print(json.loads(line)["text"]) for line in sys.stdin]' >"$runs/grid-sentences.txt"
[ -d "$runs/grid-lm" ] || $python manage.py build_language_model --text "$runs/grid-sentences.txt" --prune 0 --output "$runs/grid-lm"
export ASR_LANGUAGE_MODEL=$runs/grid-lm
$python manage.py calibrate_asr --model "$runs/grid-5" --data "$runs/grid-5/validation.jsonl" --words "$data/grid/words.jsonl"
$python manage.py evaluate_asr --model "$runs/grid-5" --data "$runs/grid-5/test.jsonl" --words "$data/grid/words.jsonl" \
    --csv "$results/grid.csv"

# --- any words: kathleen, with sentences of Europarl by flite's voices ---
$python -m scripts.synthesize_speech --text "$data/text/europarl_en.txt.xz" --sentences 1200 --output "$runs/synthetic"
on_kathleen kathleen-1 --model "$runs/grid-1" --more "$runs/synthetic/synthetic.jsonl" --steps 4000 --warmup 200 \
    --checkpoint-every 200 --learning-rate 1e-3 "${gentle[@]}"
on_kathleen kathleen-2 --model "$runs/kathleen-1" --more "$runs/synthetic/synthetic.jsonl" --steps 2400 --warmup 100 \
    --checkpoint-every 200 --learning-rate 1e-3 "${gentle[@]}"
[ -d "$runs/europarl-lm" ] || $python manage.py build_language_model --text "$data/text/europarl_en.txt.xz" \
    --held-out "$data/text/europarl_en_dev.txt" --output "$runs/europarl-lm"
export ASR_LANGUAGE_MODEL=$runs/europarl-lm
$python manage.py evaluate_asr --model "$runs/kathleen-2" --data "$runs/kathleen-2/test.jsonl" \
    --hotwords-from "$results/kathleen_names.txt" --csv "$results/kathleen.csv"

# --- speed, memory and words beside other systems ---
unset ASR_LANGUAGE_MODEL OMP_NUM_THREADS
$python -m benchmarks.asr --minutes 2 --csv "$results/speed.csv"
$python -m benchmarks.word_times --sentences 30 --clips 60 --csv "$results/word_times.csv"
$python -m benchmarks.embedded_recogniser --limit 160 --kept "$runs/embedded" --csv "$results/embedded.csv"
