--- The terminal: its size, colours, the width of text, and questions to the person.
---
---     print(orch.tty.style("done", "green bold"))
---     if orch.tty.confirm "Upload the build?" then upload() end

local core = require "orch.core.tty"
local errors = require "orch.core.error"
local arg = require "orch.arg"
local place = require "orch.place"
local stdin = require "orch.stdin"

local tty = {}

local streams = { stdin = 0, stdout = 1, stderr = 2 }

local function stream_number(fname, i, stream)
  if stream == nil then return 1 end
  if streams[stream] then return streams[stream] end
  local near = type(stream) == "string" and arg.suggest(stream, arg.keys_of(streams))
  arg.fail('%s: argument %d should be "stdin", "stdout" or "stderr", not %s%s', fname, i,
    arg.describe(stream), near and ('; did you mean "%s"?'):format(near) or "")
end

local function variable(name)
  local value = place.getenv(name)
  return value ~= "" and value or nil
end

---The size of the terminal; where there is none, COLUMNS and LINES, or 80 by 24.
---@return integer columns
---@return integer rows
function tty.size()
  for fd = 1, 2 do
    local columns, rows = core.size(fd)
    if columns then return columns, rows end
  end
  return math.tointeger(variable "COLUMNS") or 80, math.tointeger(variable "LINES") or 24
end

---@param stream "stdin"|"stdout"|"stderr"|nil by default stdout
---@return boolean
function tty.is_terminal(stream)
  return core.is_terminal(stream_number("tty.is_terminal", 1, stream))
end

---Whether to write colours to a stream: it is a terminal that has them. NO_COLOR says
---no and CLICOLOR_FORCE yes, whatever it is.
---@param stream "stdout"|"stderr"|nil by default stdout
---@return boolean
function tty.color(stream)
  local fd = stream_number("tty.color", 1, stream)
  if variable "NO_COLOR" then return false end
  local force = variable "CLICOLOR_FORCE"
  if force and force ~= "0" then return true end
  return core.is_terminal(fd) and variable "TERM" ~= "dumb"
end

---How many columns text takes: wide and combining characters count as they are shown,
---escape sequences not at all. Of several lines, the widest counts.
---@param text string
---@return integer columns
function tty.width(text)
  return core.width(arg.check("tty.width", 1, text, "string"))
end

local styles = {
  bold = "1", dim = "2", italic = "3", underline = "4", inverse = "7",
  black = "30", red = "31", green = "32", yellow = "33", blue = "34", magenta = "35",
  cyan = "36", white = "37", gray = "90", grey = "90",
}

---Text in colours, where `stream` shows them; otherwise the text as it is.
---@param text string
---@param style string "red", "bold yellow", "dim", "underline" ...
---@param stream "stdout"|"stderr"|nil by default stdout
---@return string
function tty.style(text, style, stream)
  arg.check("tty.style", 1, text, "string")
  arg.check("tty.style", 2, style, "string")
  local codes = {}
  for word in style:gmatch "%S+" do
    if not styles[word] then
      local near = arg.suggest(word, arg.keys_of(styles))
      arg.fail("tty.style: there is no style `%s`%s", word,
        near and ("; did you mean `%s`?"):format(near) or "")
    end
    codes[#codes + 1] = styles[word]
  end
  stream_number("tty.style", 3, stream)
  if #codes == 0 or not tty.color(stream) then return text end
  local start = "\27[" .. table.concat(codes, ";") .. "m"
  -- What was styled inside ends with a reset, which must not end ours.
  return start .. text:gsub("\27%[0m", "\27[0m" .. start) .. "\27[0m"
end

-- Questions ------------------------------------------------------------------

local prompt_options = { default = "string", secret = "boolean", unattended = "string" }
local confirm_options = { default = "boolean", unattended = "boolean" }

local function refuse(fname, text)
  errors.throw(errors.make {
    kind = "tty",
    message = ("%s: nobody can answer %q, because standard input is not a terminal; run "
      .. "this in a terminal, or give the answer for that case: { unattended = ... }"):format(
      fname, (text:gsub("%s+$", ""))),
  })
end

local function write(text)
  local stream = core.is_terminal(2) and io.stderr or io.stdout
  stream:write(text)
  stream:flush()
end

--- To the person, also from a job whose output goes elsewhere.
local function show(text)
  local output = package.loaded["orch.output"]
  if output then return output.aside(write, text) end
  write(text)
end

--- The live view of a run gives way meanwhile, if there is one.
local function make_room()
  local view = package.loaded["orch.view"]
  return view and view.pause() or nil
end

--- The person's line. The echo goes before the question comes: some type fast.
local function ask(fname, text, secret)
  local _ <close> = make_room()
  local echo <close> = setmetatable({}, { __close = function()
    if not secret then return end
    core.echo(true)
    show "\n"
  end })
  if secret then core.echo(false) end
  show(text)
  local line = stdin:read "line"
  if line == nil then
    errors.throw(errors.make { kind = "tty",
      message = ("%s: the input ended before an answer to %q"):format(fname, text) })
  end
  return line
end

---Asks the person and waits for a line; other tasks go on meanwhile.
---@async
---@param text string the question, shown as it is
---@param opts {default: string?, secret: boolean?, unattended: string?}? `default` for
---  an empty answer; `secret` shows what is typed neither now nor later; `unattended` is
---  the answer where there is no terminal
---@return string
---Raises kind `tty` without a terminal.
function tty.prompt(text, opts)
  arg.check("tty.prompt", 1, text, "string")
  opts = arg.options("tty.prompt", opts, prompt_options)
  if not core.is_terminal(0) then
    return opts.unattended or refuse("tty.prompt", text)
  end
  local line = ask("tty.prompt", text, opts.secret)
  if opts.secret then require("orch.secrets").cover(line) end
  return line == "" and opts.default or line
end

local answers = { y = true, yes = true, n = false, no = false }

---Asks a yes-or-no question.
---@async
---@param text string the question; " [y/n] " is added
---@param opts {default: boolean?, unattended: boolean?}? `default` for an empty answer;
---  `unattended` is the answer where there is no terminal
---@return boolean
---Raises kind `tty` without a terminal.
function tty.confirm(text, opts)
  arg.check("tty.confirm", 1, text, "string")
  opts = arg.options("tty.confirm", opts, confirm_options)
  if not core.is_terminal(0) then
    if opts.unattended ~= nil then return opts.unattended end
    return refuse("tty.confirm", text)
  end
  local hint = opts.default == nil and " [y/n] " or opts.default and " [Y/n] " or " [y/N] "
  while true do
    local line = ask("tty.confirm", text .. hint):lower():match "^%s*(.-)%s*$"
    local answer = answers[line]
    if answer == nil and line == "" then answer = opts.default end
    if answer ~= nil then return answer end
    show "Please answer y or n.\n"
  end
end

return arg.public("orch.tty", tty)
