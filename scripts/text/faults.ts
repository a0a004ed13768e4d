import ts from 'typescript'

/** A place where a rule is broken. */
export interface TextFault {
  file: string
  /** From 1. */
  line: number
  rule: 'words of the command line below the faces' | 'an adapter that is made elsewhere' | 'a long comment'
  text: string
}

/** As wide as biome lets code be. */
const WIDTH = 110

/**
 * Packages that several faces call. Their messages name a command or an option as an action of a `Hint`, not
 * as text.
 */
const BELOW_THE_FACES = /^(errors|archive|database|telegram-service|connectors|vault|engine)\/src\//
/** The words themselves are made there. */
const WORDS_ARE_MADE = /^(errors\/src\/hint|engine\/src\/recovery-card\/)/
/** Options of other programs, which a message may name. */
const OTHERS_OPTIONS = /--(omit|system|local|now|failed|template|max-old-space-size|acls|xattrs)\b/g
/** `telegram-backup on this machine` is the program's name in a sentence, and no command. */
const OWN_WORDS = /telegram-backup (?!(?:on|that)\b)[a-z]+\b(?!\.)|(?:^|[\s"'`(])--[a-z][a-z-]+/
/** Names of sessions in SQL, which are no text for people. */
const SESSION_IN_SQL = /'telegram-backup [a-z]+ ?'/g
/** The same as a text of their own; also boundaries and the words that a message is marked with. */
const MARKS = /^telegram-backup (looking|count|beside|restore|sampling|index|looks)\b/

/** Functions that make what talks to the outside, and the files that may call them. */
const ADAPTERS = /^(createTelegramClient|openDatabase|startEmulator)$/
const ADAPTER_CLASSES = /^(BackupService|PgBoss)$/
const MAKES_ADAPTERS =
  /^(engine\/src\/wiring\.ts|cli\/src\/serve\/|cli\/src\/demo\/|cli\/src\/commands\/emulator-command\.ts)/

/** Every fault of a file; `file` is relative to the root of the project. */
export function findTextFaults(file: string, source: string): TextFault[] {
  return [...(isProduction(file) ? faultsInCode(file, source) : []), ...longComments(file, source)]
}

function isProduction(file: string): boolean {
  return /^[^/]+\/src\//.test(file) && !file.includes('__tests__') && !file.endsWith('examples.ts')
}

function faultsInCode(file: string, source: string): TextFault[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
  const faults: TextFault[] = []
  const lineOf = (position: number): number => tree.getLineAndCharacterOfPosition(position).line + 1
  const visit = (node: ts.Node): void => {
    const rule = ruleBrokenBy(file, node)
    if (rule !== undefined) {
      faults.push({
        file,
        line: lineOf(node.getStart()),
        rule,
        text: node.getText().replace(/\s+/g, ' ').slice(0, 80),
      })
    }
    ts.forEachChild(node, visit)
  }
  visit(tree)
  return faults
}

function ruleBrokenBy(file: string, node: ts.Node): TextFault['rule'] | undefined {
  if (BELOW_THE_FACES.test(file) && !WORDS_ARE_MADE.test(file) && hasOwnWords(node)) {
    return 'words of the command line below the faces'
  }
  return makesAdapter(node) && !MAKES_ADAPTERS.test(file) ? 'an adapter that is made elsewhere' : undefined
}

/** A text for people: it has words. What a program is started with has none. */
function hasOwnWords(node: ts.Node): boolean {
  if (!ts.isStringLiteralLike(node) && !ts.isTemplateHead(node) && !ts.isTemplateMiddleOrTemplateTail(node))
    return false
  const text = node.text.replace(OTHERS_OPTIONS, '').replace(SESSION_IN_SQL, '')
  return OWN_WORDS.test(text) && !MARKS.test(text) && /[a-z]+ [a-z]+ /i.test(text)
}

function makesAdapter(node: ts.Node): boolean {
  if (ts.isCallExpression(node)) return ADAPTERS.test(node.expression.getText())
  return ts.isNewExpression(node) && ADAPTER_CLASSES.test(node.expression.getText())
}

function longComments(file: string, source: string): TextFault[] {
  return source.split('\n').flatMap((text, index) => {
    const isComment = /^\s*(\/\/|\/\*|\*)/.test(text)
    if (!isComment || text.length <= WIDTH || /https?:\/\/\S{40}/.test(text)) return []
    return [{ file, line: index + 1, rule: 'a long comment' as const, text: text.trim().slice(0, 80) }]
  })
}
