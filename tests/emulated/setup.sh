#!/bin/sh -e
# onnxruntime and LiteRT for Python on 64-bit ARM processors, under user-mode emulation: setup.sh FOLDER
# Needs root on a Debian machine of another architecture, and pip; a minute or two, 0.5 GB; what is there stays.
# Then: FOLDER/python cortex-a72|neoverse-n1 SCRIPT.py ARGUMENTS ... (neoverse-n1 has the dot product, cortex-a72 has not)
mkdir -p "${1:?a folder}/wheels"
cd "$1"
here=$(pwd)
. /etc/os-release
apt-get update -q >/dev/null
apt-get install -qy --no-install-recommends qemu-user-static mmdebstrap >/dev/null
mirror=$(apt-get indextargets --format '$(REPO_URI)' "Codename: $VERSION_CODENAME" | head -n 1)
rm -rf site python
if [ ! -d root ]; then
  rm -rf root.new
  mmdebstrap --quiet --variant=extract --arch=arm64 --include=python3,libstdc++6,libgomp1,zlib1g \
    "$VERSION_CODENAME" root.new "$mirror"
  mv root.new root
fi
version=$(basename "$(ls -d root/usr/lib/python3.*)" | sed s/python//)
python3 -m pip download -q --no-deps --only-binary=:all: --python-version "$version" --implementation cp \
  --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux_2_17_aarch64 \
  --platform manylinux2014_aarch64 -d wheels numpy onnxruntime==1.32.0 \
  ai-edge-litert==2.3.0 flatbuffers
for wheel in wheels/*.whl; do python3 -m zipfile -e "$wheel" site; done

# What onnxruntime reads of the processor, which has to be the emulated one: name, part number, MIDR_EL1, features
machine() {
  rm -rf "root-$1"
  cp -al root "root-$1"
  processors="root-$1/sys/devices/system/cpu"
  mkdir -p "root-$1/proc" "$processors/cpu0/regs/identification"
  for file in present possible online; do echo 0 >"$processors/$file"; done
  echo "$3" >"$processors/cpu0/regs/identification/midr_el1"
  printf 'processor\t: 0\nFeatures\t: %s\nCPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x0\nCPU part\t: %s\nCPU revision\t: 3\n\n' \
    "$4" "$2" >"root-$1/proc/cpuinfo"
}
machine cortex-a72 0xd08 0x00000000410fd083 "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"
machine neoverse-n1 0xd0c 0x00000000413fd0c1 \
  "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp ssbs"

cat >python.new <<END
#!/bin/sh
processor=\$1
shift
exec qemu-aarch64-static -cpu "\$processor" -L "$here/root-\$processor" -E PYTHONPATH="$here/site" \\
  -E OMP_NUM_THREADS=1 -E OPENBLAS_NUM_THREADS=1 "$here/root-\$processor/usr/bin/python3" "\$@"
END
chmod +x python.new
./python.new neoverse-n1 -c 'import onnxruntime, ai_edge_litert.interpreter, platform; assert platform.machine() == "aarch64"'
mv python.new python
