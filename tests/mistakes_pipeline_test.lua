-- What somebody new does wrong with jobs, and what is said about it: one sentence with the
-- place and the way out.

local fs = require "orch.fs"

local function run(script, ...)
  local dir = test.temp_dir()
  fs.write(dir .. "/deploy.lua", script, { sync = false })
  local result = test.run({ "run", "deploy.lua", ... }, { cwd = dir, timeout = 30,
    env = { NO_COLOR = "1", STORE_KEY = "hunter2hunter2" } })
  return result.stdout .. result.stderr, result.exit_code, dir
end

local two = 'orch.job "build:ios" { run = "true" }\n'
  .. 'orch.job "upload" { needs = "build:ios", run = %s }\n'

-- { script, exit code, sentence, arguments... }
local cases = {
  ["a call in the place of a function"] = {
    'orch.job "build" {\n  run = orch.sh("true"),\n}', 1,
    "orch: deploy.lua:2: job 'build': option `run` holds what a call has returned: the command "
      .. "ran while the job was declared; write run = \"make\" or run = function() ... end" },
  ["calls in a list"] = {
    'orch.job "build" { run = { orch.sh("true") } }', 1, "option `run` holds what a call" },
  ["a forgotten function"] = {
    'orch.job "a" {\n  run =\n    print "hi"\n    orch.sleep(1)\n  end\n}', 3,
    "a comma is missing in front of this, or a 'function()', or the '{' of line 1" },
  ["a forgotten comma"] = {
    'orch.job "a" {\n  desc = "A"\n  run = "true",\n}', 3, "a comma is missing in front of this" },
  ["a forgotten end"] = {
    'orch.job "a" {\n  run = function()\n    print "hi"\n}', 3,
    "an 'end' is missing in front of it" },
  ["results of what is not needed"] = {
    two:format 'function() orch.results "build:android" end', 1,
    "results: job 'upload' does not need 'build:android'" },
  ["a glob that matches nothing"] = {
    two:format 'function() orch.results "biuld:*" end', 1,
    "results: nothing that job 'upload' needs matches 'biuld:*'; it needs build:ios" },
  ["a secret as a result"] = {
    'orch.job "a" { run = function() return orch.secrets.get "STORE_KEY" end }', 1,
    "job 'a' returned a value that cannot be kept: it contains a secret, and values are "
      .. "written to the disk; return something else, and get the secret where it is used" },
  ["a command that complains with a place"] = {
    [[orch.job "a" { run = "echo 'a.mm:36:10: error: no' >&2; exit 1" }]], 1,
    "  failed   exit code 1\n  where    deploy.lua:1\n" },
  ["an input that there is not"] = {
    'orch.job "a" { inputs = { "deploy.lua", "scr/**" }, run = "true" }', 0,
    " matches its input 'scr/**'\n[a] * ok" },
  ["a short time limit"] = {
    'orch.job "a" { timeout = "300ms", run = "sleep 9" }', 1, "timed out after 0.3s" },
  ["silence"] = {
    'orch.job "a" { stall = "300ms", run = "sleep 9" }', 1,
    "orch: job 'a' has printed nothing for 0.3s (stall)\n" },
}

for name, case in pairs(cases) do
  it(name, function()
    local text, code = run(case[1])
    expect(text):contains(case[3])
    expect(code):equals(case[2])
    expect(text).never:contains "hunter2"
  end)
end

it("a job runs again when a param that it captures has another value", function()
  local script = [[
    local p = orch.params { channel = "internal", version = "1.0" }
    orch.job "a" { outputs = "a.txt", run = function() orch.fs.write("a.txt", p.channel) end }
  ]]
  local _, _, dir = run(script)
  local function again(...)
    return test.run({ "run", "deploy.lua", ... }, { cwd = dir, env = { NO_COLOR = "1" } }).stdout
  end
  expect(again()):contains "nothing to do"
  expect(again("--channel", "beta")):contains "[a] * started: `p.channel` changed from internal to beta"
  expect(fs.read(dir .. "/a.txt")):equals "beta"
  expect(again("--channel", "beta")):contains "nothing to do"
end)
