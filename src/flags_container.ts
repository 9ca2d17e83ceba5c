// Flags of containers and Kubernetes: who is asked about them, and how long an event waits for the answer.

import type { Flag } from './flags.ts'

export const CONTAINER_FLAGS = [
  {
    name: 'container-wait',
    type: 'duration',
    fallback: '500ms',
    form: 'DURATION',
    minimum: 0,
    maximum: 30_000,
    help: 'how long events of a container that is not known yet wait for its name; then they go out without',
  },
  {
    name: 'enable-k8s-api',
    type: 'text',
    fallback: 'auto',
    form: 'auto|true|false',
    choices: ['auto', 'true', 'false'],
    help: 'pods of this node from the Kubernetes API; auto: where a service account is mounted',
  },
  {
    name: 'k8s-api-server',
    type: 'text',
    fallback: '',
    form: 'URL',
    help: 'its address; as pods find it by default (KUBERNETES_SERVICE_HOST)',
  },
  {
    name: 'k8s-service-account',
    type: 'path',
    fallback: '/var/run/secrets/kubernetes.io/serviceaccount',
    form: 'DIR',
    help: 'directory with token and ca.crt, read again as they change',
  },
  {
    name: 'enable-tracing-policy-crd',
    type: 'boolean',
    fallback: 'true',
    form: 'true|false',
    help: 'load the policies that are objects of the cluster',
  },
  {
    name: 'enable-pod-annotations',
    type: 'boolean',
    fallback: 'false',
    form: 'true|false',
    help: 'annotations of pods in events',
  },
  {
    name: 'cri-endpoint',
    type: 'text',
    fallback: 'auto',
    form: 'auto|none|unix:PATH',
    help: "the container runtime's CRI socket; auto: the usual places",
  },
  {
    name: 'docker-endpoint',
    type: 'text',
    fallback: 'auto',
    form: 'auto|none|unix:PATH',
    help: "Docker's socket; auto: /run/docker.sock",
  },
  {
    name: 'oci-state',
    type: 'text',
    fallback: 'auto',
    form: 'auto|none|DIR',
    help: 'where containerd keeps bundles of running containers; auto: the usual places',
  },
  {
    name: 'oci-hook-socket',
    type: 'path',
    fallback: '',
    form: 'PATH',
    help:
      'listen here for what "thump oci-hook" tells of containers before they start (its default: /run/thump/oci-hook.sock)',
  },
] as const satisfies readonly Flag[]
