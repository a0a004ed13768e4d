import type { FoundSource } from '@telegram-backup/connectors/connector.ts'
import type { BotChat } from 'telegram-deployment-bot'
import type { Settings } from '#setup/settings.ts'

/** What the caller of a set-up has decided beforehand. An absent answer is asked for, or has a default. */
export interface SetupAnswers {
  /** The bot token; default: what is configured. */
  token?: string | undefined
  /** The id of the chat; default: what is configured, else it is found by a message posted there. */
  chat?: string | undefined
  /** Places to back up; without any, what is found on this machine is offered. */
  places: readonly GivenPlace[]
  /** Default: the name of this machine. */
  project?: string | undefined
  /** Five cron fields; default: each source once a night, at a time chosen by chance. */
  cron?: string | undefined
  /** A person says that a copy of the recovery key is on another machine. */
  isKeySaved: boolean
  /** Whether a second key stays on this machine for scheduled proofs. */
  wantsDrillKey: boolean
  /** Whether the service is installed, or its unit written. */
  wantsService: boolean
}

/** A place as a person names it: the setting of its kind (`postgres`, `directory`), and its value. */
export interface GivenPlace {
  setting: string
  place: string
}

/** Something that was found on this machine, and the setting of its kind. */
export type OfferedSource = FoundSource & { setting: string }

/** Asks a person. Each answer is checked by the set-up; a question may be asked again. */
export interface SetupQuestions {
  /** The token is not shown while it is typed. */
  token(bot: { problem: string | undefined }): Promise<string>
  /** One of several chats. */
  chat(chats: readonly BotChat[]): Promise<BotChat>
  /** Which of these are backed up, and places besides them. */
  places(found: readonly OfferedSource[], of: { problem: string | undefined }): Promise<readonly GivenPlace[]>
  /**
   * Says where the key file is, offers to show the key, and lets the person type its end. False when the
   * person does that later.
   */
  recoveryKey(key: { file: string; secret: string; isEnd(typed: string): boolean }): Promise<boolean>
}

export interface SetupHooks {
  readonly signal: AbortSignal
  /** Single lines that a person should read. */
  note(line: string): void
  /** Called as each stage ends. */
  onStage(report: StageReport): void
  /** What the set-up waits for, in a few words; undefined when the wait is over. */
  onWait(words: string | undefined): void
}

export type StageName =
  | 'bot'
  | 'chat'
  | 'catalog'
  | 'keys'
  | 'sources'
  | 'first backup'
  | 'proof'
  | 'schedule'
  | 'recovery card'
  | 'service'
  | 'recovery key'

/** there: nothing was to do · made · open: something is left for a person to do. */
export interface StageReport {
  stage: StageName
  state: 'there' | 'made' | 'open'
  message: string
  /** What to do about it. */
  hint?: string | undefined
}

/** What the stages work with. */
export interface Setup {
  readonly answers: SetupAnswers
  /** Undefined when nobody can be asked. */
  readonly ask: SetupQuestions | undefined
  readonly hooks: SetupHooks
  /** Absolute, without links; only this user can write to it. */
  readonly folder: string
  readonly settings: Settings
}

/** The result of a stage besides its report. */
export type Staged<Result> = Omit<StageReport, 'stage'> & { result: Result }
