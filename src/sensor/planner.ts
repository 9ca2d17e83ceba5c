// Planner: texts of policies into plans for the kernel that is running, in the loader's thread; signed texts are opened first.
import type { PlanSource } from '../kernel/plan_facts.ts'
import type { PolicyKey } from '../policy/signature.ts'
import { mistake } from './answer.ts'
import type { Planned } from './load_request.ts'
import type { Loader } from './loader.ts'

export interface PlannerOptions {
  readonly loader: Loader
  /** Probed on first use. */
  readonly facts: () => Promise<PlanSource>
  readonly procfs: string
  /** Only what it signed is loaded. */
  readonly policy_key: PolicyKey | null
}

export class Planner {
  readonly #options: PlannerOptions

  constructor(options: PlannerOptions) {
    this.#options = options
  }

  /** A text that is to be loaded. `full_trampolines`: functions to be hooked in another way. */
  async planSigned(yaml: string, source: string, full_trampolines: ReadonlySet<string>): Promise<Planned> {
    const { policy_key } = this.#options
    const signed = policy_key === null ? yaml : policy_key.open(yaml)
    if (signed !== null) return await this.plan(signed, source, full_trampolines)
    const message = 'Cannot accept policies: no signature of the key that --policy-key names'
    return { plans: [], errors: [mistake(source, message)], warnings: [] }
  }

  async plan(yaml: string, source: string, full_trampolines: ReadonlySet<string>): Promise<Planned> {
    const { loader, procfs } = this.#options
    const { release, version, architecture, attach, btf, tracefs, capabilities, preempts } = await this.#options.facts()
    const facts = { release, version, architecture, attach, btf, tracefs, capabilities, preempts }
    return await loader.plan({ yaml, source, procfs, full_trampolines, facts })
  }
}
