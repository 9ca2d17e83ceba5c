// Flags of Tetragon that there is nothing to set for here: what they ask for is always so, or has no counterpart. A command
// line or a config file that has them works, and the log says that they have no effect.

/** Whether a word follows the flag where it stands without `=`. */
export const TETRAGON_FLAGS: Readonly<Record<string, 'boolean' | 'text'>> = {
  // Always so: parents, pods, cgroups and sets of pids are known, and all kinds of hooks take what the kernel has.
  'parents-map-enabled': 'boolean',
  'enable-policy-filter': 'boolean',
  'enable-policy-filter-cgroup-map': 'boolean',
  'enable-policy-filter-debug': 'boolean',
  'enable-pid-set-filter': 'boolean',
  'enable-pod-info': 'boolean',
  'enable-cgidmap': 'boolean',
  'enable-cgidmap-debug': 'boolean',
  'enable-cgtrackerid': 'boolean',
  'enable-msg-handling-latency': 'boolean',
  'release-pinned-bpf': 'boolean',
  // How programs are loaded and attached follows from what the kernel can.
  'disable-kprobe-multi': 'boolean',
  'force-small-progs': 'boolean',
  'force-large-progs': 'boolean',
  'use-perf-ring-buffer': 'boolean',
  'kernel': 'text',
  'verbose': 'text',
  // Sizes and times of caches that are none here, or that bound themselves.
  'parents-map-entries': 'text',
  'parents-map-size': 'text',
  'process-cache-gc-interval': 'text',
  'data-cache-size': 'text',
  'event-cache-retries': 'text',
  'event-cache-retry-delay': 'text',
  'retprobes-cache-size': 'text',
  'sleepable-preload-size': 'text',
  'rb-queue-size': 'text',
  'execve-map-size': 'text',
  'health-server-interval': 'text',
  'deleted-pod-cache-size': 'text',
  'netns-dir': 'text',
  // Without effect there, too.
  'enable-export-aggregation': 'boolean',
  'export-aggregation-window-size': 'text',
  'export-aggregation-buffer-size': 'text',
  'bpf-lib': 'text',
}
