import { SERVER_MAJORS } from '@telegram-backup/test-support/servers/npm-server.ts'
import { describeMajors } from '#test/servers/majors-suite.ts'

// The newer ones are in majors.servers.test.ts: files run side by side.
describeMajors(SERVER_MAJORS.slice(0, 3))
