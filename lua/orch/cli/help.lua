-- Help texts, and the sentence for a wrong command line.
--
--   io.stdout:write(help.text("run"))
--   return help.fail("unknown option '--sed'", "--sed", flags)

local argparse = require "argparse"
local options = require "orch.cli.options"

local help = {}

local examples = {
  orch = [[
Examples:
   orch deploy.lua staging          run a script with an argument
   orch -e 'print(orch.time())'     run a line of Lua
   orch test                        run the tests below tests/
   orch help run                    more about a command

A script may begin with '#!/usr/bin/env orch'.]],
  run = [[
What follows FILE reaches the script as orch.args. FILE '-' is stdin. A script
that declares jobs takes their names, its params and more options there, such
as -n and -j: orch run FILE --help prints them.

Examples:
   orch run deploy.lua "build:*" --channel beta -j 4
   orch run deploy.lua -n
   orch run --timeout 10m --grace 30s nightly.lua
   orch run --seed 42 flaky.lua
   orch run --record api.tape report.lua
   orch -e 'orch.sleep("1s") print("done")'

Exit codes: 0 ok; 1 uncaught error, failed job or deadlock; 2 wrong command
line; 3 the script is missing, unreadable or does not compile, or its jobs do
not fit together; 5 --timeout; 7 refused; 129, 130, 143 hang-up, Ctrl-C, TERM;
os.exit(n) gives n.]],
  resume = [[
Without RUN: the last one. The script runs from the top, with the arguments it
had; jobs and steps that are recorded as done are not done again. Options of
orch run may follow: -j, -k, --ui, --force JOB, --yes, --html FILE and so on.

Examples:
   orch resume
   orch resume 20261122-2012 --yes
   orch resume -2 -j 2

Exit codes: those of the run; 0 also where nothing is left to do; 2 wrong
command line, no such run; 7 its code has changed and nobody agreed.]],
  watch = [[
What follows FILE is as for orch run: jobs, params and options. The folders of
the jobs' inputs are watched, and the script with the modules it requires.

Examples:
   orch watch deploy.lua
   orch watch --restart --clear game.lua "build:*" --channel beta

Ctrl-C ends it. Exit codes: 2 wrong command line; 130 Ctrl-C.]],
  check = [[
PATH is a file, a folder or a glob; default: the current folder. The project
is the nearest folder with a folder 'checks' in it, from here upwards. Fixes
work on copies and are kept only where they help; originals are in .orch/undo.

Examples:
   orch check
   orch check Assets/Props --rule 'texture.*'
   orch check --changed=main --github
   orch check --fix Assets/Props
   orch check --undo
   orch check --update-baseline
   orch check --html report.html --fail-on never

Exit codes: 0 nothing found; 2 wrong command line; 3 no rules, or a baseline
that cannot be read; 4 found something (--fail-on), or a rule is broken;
5 --timeout; 7 refused; 130 Ctrl-C.]],
  test = [[
PATH is a test file or a folder; default: tests, or else the current folder.

Examples:
   orch test
   orch test tests/lock_test.lua --filter 'in order'
   orch test --junit report.xml --seed 7

Exit codes: 0 all passed; 1 a case failed; 2 wrong command line; 3 no such
file or folder.]],
  history = [[
Examples:
   orch history
   orch history --failed --limit 5
   orch history --job build:ios
   orch history --json | jq '.[0].status'

Exit codes: 0 ok; 2 wrong command line, or no pipeline has run here.]],
  show = [[
Examples:
   orch show
   orch show -2
   orch show 20261122-2012 --json

Exit codes: 0 ok; 2 wrong command line, no such run.]],
  diff = [[
Examples:
   orch diff -2 last
   orch diff 20261121-201300-77aa 20261122-201259-3fa9 --all

Exit codes: 0 ok, also where they differ; 2 wrong command line, no such run.]],
  logs = [[
Without JOB: the log of the first failure; of a run without one, the list of
the logs there are. -f without JOB follows all jobs, each line with its job's
name.

Examples:
   orch logs
   orch logs build:ios --attempt 1
   orch logs build:ios -f
   orch logs --all --run -2 | less

Exit codes: 0 ok; 2 wrong command line, no such run or job.]],
  gc = [[
With both --keep and --older, what either keeps stays. A run that is at work is
never removed.

Examples:
   orch gc --keep 50
   orch gc --keep 10 --older 30d -n

Exit codes: 0 ok; 1 a folder cannot be removed; 2 wrong command line.]],
  report = [[
FILE '-' is standard output. Without any of the options, --html
orch-report.html.

Examples:
   orch report
   orch report -2 --html nightly.html --junit jobs.xml
   orch report 20261122 --markdown - | gh pr comment --body-file -

Exit codes: 0 ok; 1 a file cannot be written; 2 wrong command line, no such run.]],
  graph = [[
Without --svg, --dot or --mermaid: an indented tree, the last jobs first and
what they need below them.

Examples:
   orch graph deploy.lua
   orch graph deploy.lua --job upload:ios --svg upload.svg
   orch graph --run last --critical-path
   orch graph deploy.lua --mermaid

Exit codes: 0 ok; 2 wrong command line, no such run or job; 3 the script or
its graph has an error.]],
  list = [[
Without FILE: orch.lua, or else the only script of the folder that declares
jobs. The script's body runs, its jobs do not.

Examples:
   orch list
   orch list deploy.lua --json

Exit codes: 0 ok; 2 wrong command line, no jobs; 3 the script has an error.]],
  info = [[
Without FILE: orch.lua, or else the only script of the folder that declares
jobs.

Examples:
   orch info build:ios
   orch info build:ios deploy.lua --json

Exit codes: 0 ok; 2 wrong command line, no such job; 3 the script or its graph
has an error.]],
  new = [[
A pipeline is deploy.lua unless FILE is named; a check is a rule in checks/NAME.lua with its
test beside it. A file that is there is left alone.

Examples:
   orch new pipeline
   orch new pipeline nightly.lua
   orch new check textures
   orch new check --from texture.size

Exit codes: 0 ok; 2 wrong command line; 7 the file is there already.]],
  completion = [[
Knows commands, options, and the jobs and params of the script on the command
line or in the folder: its body runs for that, with its output dropped.

Examples:
   eval "$(orch completion bash)"             in ~/.bashrc
   eval "$(orch completion zsh)"              in ~/.zshrc, after compinit
   orch completion fish | source              in ~/.config/fish/config.fish]],
  version = [[
Examples:
   orch version
   orch --version]],
  help = [[
Examples:
   orch help
   orch help test]],
}

local function add_options(parser, list)
  for _, one in ipairs(list) do
    local names = one.short and one.short .. " " .. one.flag or one.flag
    if one.value then
      parser:option(names, one.help):argname(one.value):target(one.key)
    else
      parser:flag(names, one.help):target(one.key)
    end
  end
end

local RUN = "A run's ID or its beginning; last; -2 for the last but one"

local function describe(name)
  for _, command in ipairs(options.commands) do
    if command[1] == name then return command[2] end
  end
end

local function new_parser(name, description)
  local parser = argparse(name, description):add_help(false)
  parser:flag("-h --help", "Print this.")
  parser:help_max_width(79):usage_max_width(79)
  return parser:epilog(examples[name:match("%S+$")])
end

---The parser of a command; nil: of orch itself.
---@param command? string
---@return table parser of argparse
function help.parser(command)
  if not command then
    local parser = new_parser("orch",
      "Runs Lua scripts in which hundreds of things happen at once.")
    parser:require_command(false)
    for _, one in ipairs(options.commands) do
      parser:command(one[1], one[2]):add_help(false)
    end
    parser:argument("file"):args("?"):hidden(true)
    add_options(parser, options.run)
    parser:flag("-V --version", "Print the version.")
    return parser:usage("Usage: orch [OPTIONS] FILE [ARG...]\n"
      .. "       orch COMMAND ...")
  end
  local parser = new_parser("orch " .. command, describe(command))
  if command == "resume" then
    parser:argument("run", RUN .. "; default: the last."):args("?")
  elseif command == "watch" then
    parser:usage("Usage: orch watch [OPTIONS] FILE [JOB...]")
    add_options(parser, options.watch)
  elseif command == "run" then
    parser:usage("Usage: orch run [OPTIONS] FILE [ARG...]")
    add_options(parser, options.run)
  elseif command == "check" then
    parser:usage("Usage: orch check [OPTIONS] [PATH...]")
    add_options(parser, options.check)
  elseif command == "test" then
    parser:argument("path", "A test file or a folder."):args("*")
    add_options(parser, options.test)
  elseif command == "report" or command == "show" then
    parser:argument("run", RUN .. "; default: the last."):args("?")
    add_options(parser, options[command])
  elseif command == "diff" then
    parser:argument("before", RUN .. ".")
    parser:argument("after", RUN .. ".")
    add_options(parser, options.diff)
  elseif command == "logs" then
    parser:argument("job", "The name of a job."):args("?")
    add_options(parser, options.logs)
  elseif command == "history" or command == "gc" then
    add_options(parser, options[command])
  elseif command == "graph" then
    parser:argument("file", "The script that declares the jobs."):args("?")
    add_options(parser, options.graph)
  elseif command == "list" then
    parser:argument("file", "The script that declares the jobs."):args("?")
    add_options(parser, options.list)
  elseif command == "info" then
    parser:argument("job", "The job.")
    parser:argument("file", "The script that declares it."):args("?")
    add_options(parser, options.info)
  elseif command == "new" then
    parser:argument("kind", "What to write: check or pipeline.")
    parser:argument("file", "Where to."):args("?")
    add_options(parser, options.new)
  elseif command == "completion" then
    parser:argument("shell", "bash, zsh or fish.")
  elseif command == "help" then
    parser:argument("command", "A command."):args("?")
  end
  return parser
end

---@param command? string
---@return string
function help.text(command)
  return help.parser(command):get_help():match("^(.-)%s*$") .. "\n"
end

---Says what is wrong with the command line.
---@param message string
---@param word? string what was typed; the nearest of `known` is suggested
---@param known? string[]
---@param command? string whose help is pointed to
---@return integer exit_code 2
function help.fail(message, word, known, command)
  local near = word and require("orch.arg").suggest(word, known or {})
  io.stderr:write("orch: ", message,
    near and "; did you mean '" .. near .. "'?" or "", "\n",
    "Try 'orch help", command and " " .. command or "", "'.\n")
  return 2
end

---`orch help [COMMAND]`.
---@param words string[]
---@return integer exit_code
function help.main(words)
  local name = words[1]
  if not name or name == "-h" or name == "--help" then
    io.stdout:write(help.text(name and "help" or nil))
    return 0
  end
  local names = {}
  for i, command in ipairs(options.commands) do
    names[i] = command[1]
    if command[1] == name then
      io.stdout:write(help.text(name))
      return 0
    end
  end
  return help.fail("there is no command '" .. name .. "'", name, names)
end

return help
