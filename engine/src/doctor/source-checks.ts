import { planNamedSource } from '#backup/named-source.ts'
import { readConfigFile } from '#config/config-file.ts'
import type { Finding } from '#doctor/check.ts'
import type { Config } from '#environment.ts'

/**
 * What telegram-backup.yaml names. None is fine. Throws `CONFIGURATION` for a file or a source that is wrong.
 */
export async function checkConfigFile(config: Config): Promise<Finding> {
  const file = await readConfigFile(config)
  const { path, sourceNames, targetNames, warnings } = file
  if (path === undefined) return { message: 'no telegram-backup.yaml; none is needed without schedules' }
  // A variable that is not set, and what else cannot be, is found here, not by tonight's backup.
  for (const name of sourceNames) await planNamedSource(name, file)
  const [warning] = warnings
  return {
    message: `${sourceNames.length === 0 ? 'none' : sourceNames.join(', ')} in ${path}${targetNames.length === 0 ? '' : `; targets ${targetNames.join(', ')}`}`,
    warning,
  }
}
