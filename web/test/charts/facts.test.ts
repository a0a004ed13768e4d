import { MantineProvider } from '@mantine/core'
import { createElement, type ReactElement } from 'react'
import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, it } from 'vitest'
import { BackupCalendar } from '#charts/backup-calendar.tsx'
import { backupDays } from '#charts/days.ts'
import { DurationBars } from '#charts/duration-bars.tsx'
import { GrowthChart } from '#charts/growth-chart.tsx'
import { SizeTrend } from '#charts/size-trend.tsx'
import { vaultGrowth } from '#charts/vault-growth.ts'

const UNTIL = new Date('2026-12-02T10:00:00Z')

function shown(chart: ReactElement): string {
  return renderToStaticMarkup(createElement(MantineProvider, null, chart))
}

describe('each picture has its facts as text', () => {
  it('a calendar says of each day what was made, in its table too', () => {
    const made = { state: 'complete' as const, damaged_at: null, size: 2_048 }
    const days = backupDays(
      [
        { ...made, created_at: '2026-12-01T10:00:00Z' },
        { ...made, created_at: '2026-12-01T11:00:00Z', state: 'failed' },
      ],
      { zone: 'UTC', until: UNTIL, count: 3 },
    )
    const html = shown(createElement(BackupCalendar, { days }))
    expect(html).toContain('Tue, Dec 1, 2026: 1 good backup (2 KiB), 1 failed or damaged')
    expect(html).toContain('Wed, Dec 2, 2026: no backup')
    expect(html.match(/tabindex="0"/g)).toHaveLength(1)
    expect(html).toContain('<summary>Show as table</summary>')
  })

  it('bars say how long a run usually takes, and the longest', () => {
    const runs = [4, 60, 5].map((seconds, place) => ({
      id: String(place),
      at: `2026-12-01T0${place}:00:00Z`,
      seconds,
      isGood: seconds < 60,
    }))
    expect(shown(createElement(DurationBars, { runs }))).toContain(
      '3 runs, 1 failed. Usually 5 sec, 1 min at most.',
    )
    expect(shown(createElement(DurationBars, { runs: [] }))).toContain('There is no finished run yet.')
  })

  it('the growth of the vault says its sum, and a hostile name stays text', () => {
    const name = '<b>\u202eevil'
    const growth = vaultGrowth([{ created_at: '2026-12-01T10:00:00Z', size: 3_072, group: name }], {
      zone: 'UTC',
      until: UNTIL,
    })
    const html = shown(createElement(GrowthChart, { growth, name: series => series }))
    expect(html).toContain('The backups that exist now hold 3 KiB. The oldest was made on Dec 1, 2026.')
    expect(html).toContain('&lt;b&gt;\\u{202e}evil')
    expect(html).not.toContain('<b>')
  })

  it('a trend says the newest size and the change', () => {
    const sizes = [1_024, 2_048].map((size, place) => ({ at: `2026-12-0${place + 1}T10:00:00Z`, size }))
    const html = shown(createElement(SizeTrend, { sizes }))
    expect(html).toContain('2 KiB')
    expect(html).toContain('+100% since Dec 1')
    expect(shown(createElement(SizeTrend, { sizes: [] }))).not.toContain('<svg')
  })
})
