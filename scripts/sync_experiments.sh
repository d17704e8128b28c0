#!/usr/bin/env bash
# The trainings and measurements of docs/results/avsync: some four hours of one core. Each goes on where it was stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$(realpath "${VIDEOPORTAL_DATA:-../shared/data}")
runs=var/experiments/avsync
results=docs/results/avsync
python=.venv/bin/python
unseen=(s2 s34 s10 s16 s23 s25 s27 u1 u2 u3 u4)
mkdir -p "$runs" "$results"
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

learn() { # learn RUN ARGUMENT...: a run of train_sync on GRID, the same speakers kept out of each
    $python manage.py train_sync --data "$data/grid" --cache "$runs/cache" --output "$runs/$1" --bf16 --batch 10 \
        --held-out "${unseen[@]}" "${@:2}"
    cp "$runs/$1/curves.csv" "$results/$1_curves.csv"
    cp "$runs/$1/curves.png" "$results/$1_curves.png"
}

measure() { # measure FOLDER ARGUMENT...: a run of evaluate_sync
    $python manage.py evaluate_sync --data "$data/grid" --cache "$runs/cache" --output "$results/$1" "${@:2}"
}

network() { # network RUN: NAME=FILE, as evaluate_sync takes it
    echo "$1=$runs/$1/network.safetensors"
}

# --- Which face detector? ---
$python -m benchmarks.faces --data "$data" --csv "$results"

# --- A first network, by which each clip's own offset is known and taken out of what the others learn from. ---
harder=(--ways 23 --gap 3 --balance 0.75)
learn multiway-500 --steps 1000 --stop-after 500
learn rough --steps 1800 "${harder[@]}" --strong --learning-rate 1.5e-3 \
    --start-from "$runs/multiway-500/network.safetensors"
aligned=(--align-with "$runs/rough/network.safetensors")

# --- Table 1 and figure 6: three objectives, the same steps on the same clips changed alike; and what the portal carries. ---
for objective in multiway avenet syncnet; do
    learn "$objective" "${aligned[@]}" --objective "$objective" --steps 2000 --validate-every 200
done
learn portal "${aligned[@]}" "${harder[@]}" --strong --recoded "$runs/copies" --average 0.998 --steps 3000 \
    --validate-every 250 --learning-rate 1.5e-3 --start-from "$runs/rough/network.safetensors"
measure objectives --network "$(network multiway)" --network "$(network avenet)" --network "$(network syncnet)" \
    --network "$(network portal)" --network "$(network rough)" "${aligned[@]}" --degraded "$runs/degraded"
$python manage.py calibrate_sync --data "$data/grid" --cache "$runs/cache" "${aligned[@]}" \
    --model "$runs/portal/network.safetensors"

# --- How right is what the portal carries? Clips' own offsets are told by a network that shares nothing with it. ---
learn witness --objective avenet --seed 1 --steps 800 --validate-every 200
SYNC_MODEL=$runs/portal/network.safetensors $python -m benchmarks.sync_errors --cache "$runs/cache" --csv "$results/sync_errors" \
    --align-with "$runs/witness/network.safetensors"

# --- How many candidates? ---
for ways in 2 5 10 14; do
    learn "ways-$ways" --ways "$ways" --steps 200
done
measure ways --network "$(network ways-14)" --network "$(network ways-10)" --network "$(network ways-5)" \
    --network "$(network ways-2)" --without-speed

# --- What helps? The same 500 steps, each with one thing changed: weaker or no changes of clips, looks, neighbours. ---
learn strong --steps 500 "${harder[@]}" --strong
learn gentle --steps 500 "${harder[@]}"
learn unchanged --steps 500 "${harder[@]}" --plain
learn with-looks --steps 500 "${harder[@]}" --strong --with-looks
learn neighbours --steps 500 --balance 0.75 --strong --gap 1 --ways 70
measure changes --network "$(network strong)" --network "$(network gentle)" --network "$(network unchanged)" \
    --network "$(network with-looks)" --network "$(network neighbours)" --without-speed

# --- Mouths or whole faces? Networks of other crops are measured one by one. ---
learn mouths "${aligned[@]}" --steps 500 "${harder[@]}" --strong --validate-every 250
learn faces "${aligned[@]}" --steps 500 "${harder[@]}" --strong --validate-every 250 --part face --share 1
for crops in mouths faces; do
    measure "$crops" --network "$(network "$crops")" "${aligned[@]}" --without-speed
done

# --- Other speakers kept out: with the first of the runs above, three folds. ---
fold() { # fold NUMBER SPEAKER...
    $python manage.py train_sync --data "$data/grid" --cache "$runs/cache" --output "$runs/fold-$1" --bf16 --batch 10 \
        --steps 500 "${harder[@]}" --strong --held-out "${@:2}" "${unseen[@]:2}"
    measure "fold-$1" --network "$(network "fold-$1")" --without-speed
}
fold 2 s5 s33
fold 3 s30 s31 s32

# --- What are their vectors worth for reading lips? The same words and epochs for all, and for a stream that learns along. ---
$python manage.py train_lipreading --data "$data/grid" --cache "$runs/cache" --output "$runs/lipreading" --bf16 \
    --results "$results/lipreading" --frames 13 --epochs 8 --views 3 --held-out "${unseen[@]}" \
    --pretrained "$(network multiway)" --pretrained "$(network syncnet)" --pretrained "$(network avenet)"

# --- Is a drift told from a constant shift? What does a check take, and a repair, over hours? With the portal's weights. ---
$python -m benchmarks.sync_drift --csv "$results/drift"
$python -m benchmarks.sync_speed --csv "$results"

# --- Is the sound where it belongs after a repair? By known shifts, and from the check to the check after it. ---
for what in clips talks; do
    $python -m benchmarks.sync_repairs "$what" --csv "$results/sync_repairs"
done
