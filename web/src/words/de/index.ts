import { alerts } from '#words/de/alerts.ts'
import { charts } from '#words/de/charts.ts'
import { overview } from '#words/de/overview.ts'
import { shell } from '#words/de/shell.ts'
import { states } from '#words/de/states.ts'
import type { Words } from '#words/en/index.ts'

export const de: Words = { shell, states, overview, alerts, charts }
