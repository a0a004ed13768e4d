import type { Words } from '#words/en/index.ts'
import { alerts } from '#words/ru/alerts.ts'
import { charts } from '#words/ru/charts.ts'
import { overview } from '#words/ru/overview.ts'
import { shell } from '#words/ru/shell.ts'
import { states } from '#words/ru/states.ts'

export const ru: Words = { shell, states, overview, alerts, charts }
