import { execFileSync } from 'node:child_process'

/** What was written by others or by a program, or kept as it was. */
const KEPT = /(^|\/)(golden|previous-release|node_modules|build|generated)\//

/** Every TypeScript and JavaScript file of the project, also those that no commit has yet. */
export function sourceFiles(root: string): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', '--', '*.ts', '*.tsx', '*.js']
  const listed = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n')
  return [...new Set(listed)].filter(file => file !== '' && !KEPT.test(file))
}
