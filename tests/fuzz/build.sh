# SPDX-License-Identifier: Apache-2.0
# Sourced by run and long: builds the fuzz targets, and says where all of it lies.
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
folder=$top/.cache/build-fuzzer
cache=$top/.cache/fuzz
mkdir -p "$cache"
# What is freed need not be kept long to be seen used: a small quarantine is twice as fast.
export ASAN_OPTIONS=quarantine_size_mb=8${ASAN_OPTIONS:+:$ASAN_OPTIONS}

targets=()
for source in "$top"/tests/fuzz/*/*_fuzz.c; do
    targets+=("$(basename "$(dirname "$source")")_$(basename "$source" .c)")
done

build_targets() {
    cmake -S "$top" -B "$folder" -G Ninja -DSANITIZE=fuzzer -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ >/dev/null
    ninja --quiet -C "$folder" "${targets[@]}"
}

# dictionary TARGET: its option, or nothing where the target has none.
dictionary() {
    local file=$top/tests/fuzz/${1/_//}
    file=${file%_fuzz}.dict
    [ ! -e "$file" ] || echo "-dict=$file"
}

# fuzz PROGRAM TARGET OPTION...: from the seeds in the repository and what earlier runs found.
fuzz() {
    local program=$1 target=$2
    shift 2
    mkdir -p "$cache/$target"
    # shellcheck disable=SC2046
    "$program" -print_final_stats=1 -verbosity=0 -rss_limit_mb=2048 -timeout=120 -max_len=2048 $(dictionary "$target") \
        -artifact_prefix="$cache/$target-" "$@" "$cache/$target" "$top/tests/fuzz/corpus/$target" </dev/null 2>&1
}
