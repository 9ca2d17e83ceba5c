// What the policy routes need of whoever keeps policies: types only, so that http/ and sensor/ do not wait for each other.

/** One mistake in a policy text. */
export interface PolicyMistake {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
  /** The line of the text and a caret below the column, '' where there is no text. */
  readonly caret: string
}

/** `ok` gives the documents' states or plans; otherwise nothing was changed, and every mistake is listed. */
export type PolicyAnswer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly status: 404 | 409 | 422; readonly mistakes: readonly PolicyMistake[] }

export interface PolicyPatch {
  readonly mode?: 'enforce' | 'monitor'
  readonly enabled?: boolean
}

/**
 * States and plans are JSON as the routes show them. Names are NAME or NAMESPACE/NAME; a bare name that fits two
 * policies is answered with 409. All changes are done one at a time, in the order of the calls.
 */
export interface PolicyRegistry {
  list(): readonly unknown[]
  get(name: string): PolicyAnswer<unknown>
  /** Loads all documents of `yaml` or none. `source` says where it came from: a file name, or `http`. */
  add(yaml: string, source: string): Promise<PolicyAnswer<readonly unknown[]>>
  remove(name: string): Promise<PolicyAnswer<null>>
  /** Loads the new one before the old one is removed. */
  replace(name: string, yaml: string, source: string): Promise<PolicyAnswer<unknown>>
  patch(name: string, change: PolicyPatch): Promise<PolicyAnswer<unknown>>
  /** Validates and plans without loading. */
  plan(yaml: string, source: string): Promise<PolicyAnswer<readonly unknown[]>>
}
