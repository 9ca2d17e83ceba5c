#!/bin/sh
# First process of a test guest: mounts what a node has, runs /job/run, sends its output and status through virtio ports, powers off.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
mkdir -p /dev/pts /dev/shm /run /tmp /out
mount -t devpts devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tracefs tracefs /sys/kernel/tracing
mount -t debugfs debugfs /sys/kernel/debug
mount -t securityfs securityfs /sys/kernel/security
mount -t bpf bpf /sys/fs/bpf
mount -t cgroup2 cgroup2 /sys/fs/cgroup
# Without these execveat() of a descriptor fails on 5.10.
ln -sf /proc/self/fd /dev/fd
ln -sf fd/0 /dev/stdin
ln -sf fd/1 /dev/stdout
ln -sf fd/2 /dev/stderr
ip link set lo up
hostname guest
for module in virtio_pci virtio_console; do modprobe -q "$module"; done
# shellcheck disable=SC3045 # dash has it
ulimit -n 65536

port() {
	tries=0
	while [ $tries -lt 100 ]; do
		for entry in /sys/class/virtio-ports/*; do
			if [ -e "$entry/name" ] && [ "$(cat "$entry/name")" = "$1" ]; then
				echo "/dev/${entry##*/}"
				return
			fi
		done
		tries=$((tries + 1))
		sleep 0.1
	done
	echo "guest: no virtio port $1" >/dev/console
	echo /dev/console
}

# A port can be open only once, so the job gets pipes and one cat each carries them out.
mkfifo /run/job.stdout /run/job.stderr
stdout=$(port stdout) stderr=$(port stderr) status_port=$(port status)
cat </run/job.stdout >"$stdout" &
cat_stdout=$!
cat </run/job.stderr >"$stderr" &
cat_stderr=$!
echo "guest up: $(uname -r)" >/dev/console
setsid /bin/bash /job/run </dev/null >/run/job.stdout 2>/run/job.stderr
status=$?
# What the job left running may keep the pipes open: give its output one second, no more.
tries=0
while [ $tries -lt 10 ] && { [ -e /proc/$cat_stdout/exe ] || [ -e /proc/$cat_stderr/exe ]; }; do
	sleep 0.1
	tries=$((tries + 1))
done
[ -e /job/out ] && tar -C /out -cf "$(port out)" .
echo "$status" >"$status_port"
sync
echo o >/proc/sysrq-trigger
sleep 60
