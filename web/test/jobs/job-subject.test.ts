import { expect, it } from 'vitest'
import type { Job } from '#api/generated/types.gen.ts'
import { jobSubject } from '#screens/jobs/job-subject.ts'
import { de } from '#words/de/index.ts'
import { en } from '#words/en/index.ts'
import { ru } from '#words/ru/index.ts'

const JOB: Job = {
  id: '1',
  kind: 'verify',
  state: 'queued',
  project_id: 'office',
  backup_id: null,
  bucket_id: '1d1a7f3c-6a0b-4a39-8f0e-0d2b3f0a9c11',
  bucket: 'laptops',
  source: null,
  target: null,
  scheduled_for: null,
  attempt: 0,
  progress: { bytes_done: 0, bytes_total: null, parts_done: 0 },
  missing_files: 0,
  error: null,
  created_at: '2026-12-02T12:00:00Z',
  started_at: null,
  finished_at: null,
}

it('a verification is named after its bucket or its backup', () => {
  expect([en, de, ru].map(words => jobSubject(JOB, words))).toEqual([
    'Verification of bucket laptops',
    'Prüfung des Buckets laptops',
    'Проверка хранилища laptops',
  ])
  const ofBackup = {
    ...JOB,
    bucket_id: null,
    bucket: null,
    backup_id: '3a790f59-6a0b-4a39-8f0e-0d2b3f0a9c11',
  }
  expect(jobSubject(ofBackup, en)).toBe('Verification of 3a790f59')
})
