-- The test framework of `orch test`: what a *_test.lua file sees.
--
--   describe("a lock", function()
--     it("is handed over in order", function()
--       expect(order):equals { 1, 2, 3 }
--     end)
--   end)
--
-- describe, it, before_each, after_each and expect are globals there, and so is
-- this module, as `test`. Every case is a task of its own and fails when it
-- leaves a task, a handle or a lock behind.

local arg = require "orch.arg"
local suite = require "orch.test.suite"
local expect = require "orch.test.expect"

local test = {
  describe = suite.describe,
  it = suite.it,
  before_each = suite.before_each,
  after_each = suite.after_each,
  expect = expect.new,
  clock = require "orch.test.clock",
}

---Ends the running case as skipped; in a describe, skips the cases that follow.
---@param reason string
function test.skip(reason)
  arg.check("test.skip", 1, reason, "string")
  if suite.skip_group(reason) then return end
  require("orch.error") { kind = "skip", message = reason }
end

---A new empty folder, removed after the case.
---@async
---@return string path
function test.temp_dir()
  return require("orch.test.helpers").temp_dir()
end

---Answers the case's HTTP requests, until it ends; a request without a fake fails. A key
---is "METHOD address": `*` is anything, an address without a query is for every query,
---"/path" for every host; the most specific one that fits answers. An answer is a table,
---a text, a status, a function of the request that returns one, or a list of these: one
---after the other, of which the last one stays.
---
---In the table: `status` `headers` `body` `json`; `chunks` or `events` for a stream, whose
---items may be {data=, delay=, error=}; `delay` before it; `error`, a kind or the fields of
---an Error, instead of it; `pass=true` lets the request through to the network.
---@param answers table<string, any>
---@return orch.TestHttp fake with `.requests`: method, url, path, query, headers, body,
---  :json(), :form(); `<close>`-able
function test.http(answers)
  return require("orch.test.http").new(answers)
end

---Runs orch itself as a process. The exit code is not checked.
---@async
---@param args string[] its arguments
---@param opts? {stdin?: string, cwd?: string, env?: table, timeout?: number|string}
---@return {exit_code: integer?, signal: any, stdout: string, stderr: string, ok: boolean, elapsed: number}
function test.run(args, opts)
  return require("orch.test.helpers").run(args, opts)
end

return arg.public("test", test)
