// The part of the configuration that is about containers and Kubernetes.

export interface ContainerConfig {
  readonly wait_ms: number
  readonly kubernetes: 'auto' | 'true' | 'false'
  /** '' for the one of the environment. */
  readonly api_server: string
  readonly service_account: string
  readonly pod_annotations: boolean
  readonly policy_crds: boolean
  /** `auto`, `none` or `unix:PATH`. */
  readonly cri: string
  readonly docker: string
  readonly oci_state: string
  /** '' for none. */
  readonly oci_hook_socket: string
}

/** What is needed of the reader of flags. */
interface FlagValues {
  text(name: string): string
  boolean(name: string): boolean
  number(name: string): number
  parsed(name: string, parse: (text: string) => string | null): string
}

export function readContainers(read: FlagValues, parseUrl: (text: string) => string | null): ContainerConfig {
  return {
    wait_ms: read.number('container-wait'),
    kubernetes: read.text('enable-k8s-api') as ContainerConfig['kubernetes'],
    api_server: read.parsed('k8s-api-server', parseUrl),
    service_account: read.text('k8s-service-account'),
    policy_crds: read.boolean('enable-tracing-policy-crd'),
    pod_annotations: read.boolean('enable-pod-annotations'),
    cri: read.parsed('cri-endpoint', endpoint),
    docker: read.parsed('docker-endpoint', endpoint),
    oci_state: read.text('oci-state'),
    oci_hook_socket: read.parsed('oci-hook-socket', (text) => /^(\/.{1,106})?$/.test(text) ? text : null),
  }
}

function endpoint(text: string): string | null {
  if (text === 'auto' || text === 'none') return text
  const path = text.replace(/^unix:(\/\/)?/, '')
  return path.startsWith('/') ? `unix:${path}` : null
}
