#!/bin/sh
# Where the time of a job goes, by part of the work:
#   COMPOSE=target/release/compose benches/profile.sh DATA [JOB] [arguments for compose]
# DATA is a data set of `make bench`, such as target/bench/data/Q; JOB is J3 unless said. Needs Linux's perf, and
# leave to use it (kernel.perf_event_paranoid). TOP=30 prints so many symbols below the table, with their parts.
#
# Samples are sorted by the names of symbols and libraries. The libraries of a distribution have no symbols for what
# is inside them: what a shared libdeflate, libz or libzstd does may be either direction and is told as such.
set -eu
data=${1:?a data set, such as target/bench/data/Q}
job=${2:-J3}
[ $# -lt 2 ] || shift
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
COMPOSE=${COMPOSE:-target/release/compose}
export COMPOSE
# perf follows the program through the script that writes its rules file and then becomes it.
perf record --quiet -F 999 -o "$folder/samples" python3 -B "$(dirname "$0")/peers/compose.py" \
    "$job" "$data" "$folder/out.tif" --quiet "$@"
perf script --no-inline -i "$folder/samples" -F comm,period,ip,sym,dso 2>/dev/null | awk -v top="${TOP:-0}" '
    # The first pattern that fits a symbol and its library decides.
    function part(symbol, library) {
        if (library ~ /kernel\.kallsyms|\[vdso\]|\.ko/) return "kernel (OS)"
        if (symbol ~ /ompress_(fast|near|lazy|greedy|default)|deflate_compress|matchfinder|longest_match/ ||
            symbol ~ /deflate_(slow|fast|stored|rle)|fill_window|deflate_flush|deflate_make_huffman/ ||
            symbol ~ /compress_block|ZSTD_.*[cC]ompress[^o]*(Block|CCtx|Sequences)|ZSTD_build(C|Seq)/ ||
            symbol ~ /HUF_(compress|build)|FSE_(compress|build)C|LZWEncode|LZWPostEncode/)
            if (symbol !~ /decompress|Decompress|DCtx/) return "encode"
        if (symbol ~ /[dD]ecompress|[iI]nflate|DCtx|ZSTD_exec|HUF_(read|dec)|FSE_(dec|buildD)|LZWDecode/)
            return "decode"
        if (symbol ~ /[pP]redictor|horAcc|HorAcc|horDiff|undo/) return "predictor"
        if (library ~ /libdeflate|libz\.|libz-|libzstd/) return "decode or encode (shared libraries)"
        if (library ~ /libtiff/) return "libtiff (predictor, and the rest of TIFF)"
        if (library ~ /libgdal|libproj|libgeotiff/) return "GDAL besides codecs"
        if (symbol ~ /compose_io::align/) return "align (resampling)"
        if (symbol ~ /compose_io::write/) return "write"
        if (symbol ~ /compose_io::direct/) return "read tiles"
        if (symbol ~ /compose_io::tiles/) return "read into blocks"
        # Loops of ndarray go by its name; the masks are made of them.
        if (symbol ~ /compose_mask|ndarray::zip/) return "mask"
        if (symbol ~ /compose_fill|compose_core::block/) return "fill"
        if (symbol ~ /compose_engine/) return "engine (blocks, report)"
        if (symbol ~ /mem(set|move|cpy)|malloc|calloc|_int_|free|realloc|mmap/) return "memory (libc)"
        return "other"
    }
    $1 == "compose" {
        period = $2; library = $NF
        $1 = $2 = $3 = $NF = ""
        symbol = $0
        gsub(/^ +| +$/, "", symbol)
        gsub(/[()]/, "", library)
        sub(/.*\//, "", library)
        p = part(symbol, library)
        sum[p] += period; all += period
        name[p "\t" library "\t" symbol] += period
    }
    END {
        if (!all) { print "perf saw nothing of compose"; exit 1 }
        print "| part | share |\n|---|---|"
        for (p in sum) printf "| %s | %.1f %% |\n", p, 100 * sum[p] / all | "sort -t\"|\" -k3 -rn"
        close("sort -t\"|\" -k3 -rn")
        if (top) for (n in name) printf "%5.1f %%\t%s\n", 100 * name[n] / all, n | ("sort -rn | head -n " top)
    }'
