/** Cgroups that tests make. */
import fs from 'node:fs'

/** Removes one as soon as what ended in it is quite gone, which may be after its parent was told of the end. */
export async function removeCgroup(directory: string): Promise<void> {
  for (const until = performance.now() + 10_000; fs.existsSync(directory); await Bun.sleep(10)) {
    try {
      fs.rmdirSync(directory)
    } catch (error) {
      if (performance.now() > until) throw error
    }
  }
}
