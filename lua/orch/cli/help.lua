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
What follows FILE reaches the script as orch.args. FILE '-' is stdin.

Examples:
   orch run deploy.lua staging --fast
   orch run --timeout 10m --grace 30s nightly.lua
   orch run --seed 42 flaky.lua
   orch run --record api.tape report.lua
   orch -e 'orch.sleep("1s") print("done")'

Exit codes: 0 ok; 1 uncaught error or deadlock; 2 wrong command line; 3 the
script is missing, unreadable or does not compile; 5 --timeout; 129, 130,
143 hang-up, Ctrl-C, TERM; os.exit(n) gives n.]],
  test = [[
PATH is a test file or a folder; default: tests, or else the current folder.

Examples:
   orch test
   orch test tests/lock_test.lua --filter 'in order'
   orch test --junit report.xml --seed 7

Exit codes: 0 all passed; 1 a case failed; 2 wrong command line; 3 no such
file or folder.]],
  report = [[
FILE '-' is standard output. Without any of the options, --html orch-report.html.

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
  if command == "run" then
    parser:usage("Usage: orch run [OPTIONS] FILE [ARG...]")
    add_options(parser, options.run)
  elseif command == "test" then
    parser:argument("path", "A test file or a folder."):args("*")
    add_options(parser, options.test)
  elseif command == "report" then
    parser:argument("run", "A run's ID or its beginning; -2 for the last but one; default: "
      .. "the last."):args("?")
    add_options(parser, options.report)
  elseif command == "graph" then
    parser:argument("file", "The script that declares the jobs."):args("?")
    add_options(parser, options.graph)
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
