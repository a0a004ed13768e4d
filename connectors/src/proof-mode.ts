import { BackupError } from '@telegram-backup/errors'

/**
 * What a send records for drills. off: nothing of the contents · count: numbers of rows · fast: hashes
 * against accidents · sha256: hashes that others can compute again.
 */
export type ProofMode = (typeof PROOF_MODES)[number]

export const PROOF_MODES = ['off', 'count', 'fast', 'sha256'] as const

export interface ProofSettings {
  proof?: string | undefined
  /** The older spelling: false means `proof: off`. */
  count_rows?: boolean | undefined
}

/** Throws `USAGE` for an unknown mode, and for two settings that contradict each other. */
export function readProofMode({ proof, count_rows: countRows }: ProofSettings): ProofMode {
  if (proof === undefined) return countRows === false ? 'off' : 'fast'
  const mode = PROOF_MODES.find(one => one === proof)
  if (mode === undefined) {
    throw new BackupError(`The proof ${JSON.stringify(proof)} is unknown`, {
      code: 'USAGE',
      hint: 'Use off, count, fast or sha256.',
    })
  }
  if (countRows !== undefined && countRows === (mode === 'off')) {
    throw new BackupError(`count_rows: ${countRows} and proof: ${mode} contradict each other`, {
      code: 'USAGE',
      hint: 'Give proof alone; count_rows: false is the older spelling of proof: off.',
    })
  }
  return mode
}
