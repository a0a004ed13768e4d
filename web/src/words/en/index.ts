import { alerts } from '#words/en/alerts.ts'
import { charts } from '#words/en/charts.ts'
import { overview } from '#words/en/overview.ts'
import { shell } from '#words/en/shell.ts'
import { states } from '#words/en/states.ts'

export const en = { shell, states, overview, alerts, charts }

/** What each language has to say; a missing text is an error of types. */
export type Words = typeof en
