// Where runtimes usually have their sockets and files.

/** containerd of a distribution, k3s, microk8s. */
export const BUNDLE_DIRECTORIES = [
  '/run/containerd/io.containerd.runtime.v2.task',
  '/run/k3s/containerd/io.containerd.runtime.v2.task',
  '/var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task',
] as const

/** containerd, CRI-O, k3s, microk8s, cri-dockerd. */
export const CRI_SOCKETS = [
  '/run/containerd/containerd.sock',
  '/run/crio/crio.sock',
  '/run/k3s/containerd/containerd.sock',
  '/var/snap/microk8s/common/run/containerd.sock',
  '/run/cri-dockerd.sock',
] as const

export const DOCKER_SOCKETS = ['/run/docker.sock', '/run/podman/podman.sock'] as const
