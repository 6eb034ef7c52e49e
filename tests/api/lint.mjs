// SPDX-License-Identifier: Apache-2.0
// What the linter says of an OpenAPI document; nothing when it is right.
import core from '@redocly/openapi-core'

const config = await core.createConfig({ extends: ['recommended-strict'] })
const problems = await core.lint({ ref: process.argv[2], config })
for (const problem of problems)
  console.log(`${problem.ruleId}: ${problem.message} (${problem.location[0]?.pointer})`)
process.exitCode = problems.length > 0 ? 1 : 0
