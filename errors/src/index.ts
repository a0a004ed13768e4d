export { BackupError, type BackupErrorDetails, type DescribedError, describeError } from '#backup-error.ts'
export { ExitCode, exitCodeFor, exitCodeOf, exitCodeOfSignal } from '#exit-codes.ts'
export { commandLineWords, Hint, type HintAction, type HintWords, hint, option, run } from '#hint.ts'
export {
  HIDDEN,
  hasOwnWords,
  hideSecrets,
  hideSecretsIn,
  lineHider,
  redactError,
  rewordError,
} from '#redaction.ts'
