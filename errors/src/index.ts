export { BackupError, type BackupErrorDetails, type DescribedError, describeError } from '#backup-error.ts'
export { ExitCode, exitCodeFor, exitCodeOf, exitCodeOfSignal } from '#exit-codes.ts'
export { HIDDEN, hasOwnWords, hideSecrets, hideSecretsIn, tellError } from '#redaction.ts'
