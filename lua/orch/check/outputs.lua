--- Where a check is told: the terminal, GitHub, and files of several formats.
---
---     local outputs = require("orch.check.outputs").plan { html = "report.html" }
---     outputs:write(result, { paths = { "Assets" } })

local arg = require "orch.arg"
local fs = require "orch.fs"
local place = require "orch.place"

local FORMATS = { "html", "sarif", "junit", "json" }

---@class orch.check.Outputs
---@field private files {format: string, file: string, full: string}[]
---@field private stdout string? the format that goes there
---@field private github boolean
---@field private said boolean?
local Outputs = {}
Outputs.__index = Outputs

---Whether standard output is for people.
---@return boolean
function Outputs:is_for_people()
  return not self.stdout
end

---Nothing more for people: what they asked for is said already.
function Outputs:quiet()
  self.said = true
end

---@return table<string, boolean> paths absolute, of the files that are written
function Outputs:paths()
  local set = {}
  for _, one in ipairs(self.files) do set[one.full] = true end
  return set
end

local function say(line)
  io.stderr:write("orch: ", line, "\n")
end

--- A device is written to as it is; a file comes out of one beside it.
local function try_file(full)
  if fs.exists(full) then
    local kind = fs.stat(full).type
    if kind == "folder" then arg.fail "it is a folder" end
    if kind ~= "file" then return end
  end
  local folder = fs.path.dirname(full)
  fs.mkdir(folder)
  local ok, made = pcall(fs.temp_file, { dir = folder, prefix = ".orch-" })
  if not ok then arg.fail("nothing can be written to '%s'", folder) end
  fs.remove(made)
end

local function check_file(flag, file, full)
  local ok, err = pcall(try_file, full)
  if not ok then arg.fail("%s %s: %s", flag, file, (tostring(err):gsub("^orch: ", ""))) end
end

local function render(format, result, opts)
  return require("orch.check.report." .. format)(result, opts)
end

---@async
---@param result orch.check.Result
---@param opts {all: boolean?, paths: string[]?, at: string?, fail_on: string?, write: fun(text: string)}
function Outputs:write(result, opts)
  local report = { fail_on = opts.fail_on, paths = opts.paths }
  if self.said then
    self.said = nil
  elseif self:is_for_people() then
    opts.write(render("text", result, { all = opts.all, paths = opts.paths, at = opts.at }))
  else
    opts.write(render(self.stdout, result, report))
  end
  if self.github then
    io.stdout:flush()
    local stream = self:is_for_people() and io.stdout or io.stderr
    stream:write(render("github", result))
  end
  for _, one in ipairs(self.files) do
    fs.write(one.full, render(one.format, result, report), { sync = false })
    if opts.tell ~= false then say("wrote " .. one.file) end
  end
end

local outputs = {}

---Checks, before anything runs, that all can be written.
---@async
---@param asked {html: string?, sarif: string?, junit: string?, json: string|true|nil, github: boolean?}
---@return orch.check.Outputs outputs raises kind `usage`
function outputs.plan(asked)
  local self = setmetatable({ files = {} }, Outputs)
  local taken = {}
  for _, format in ipairs(FORMATS) do
    local file = asked[format]
    if file == true then file = "-" end
    local full = file and file ~= "-" and fs.path.absolute(file) or file
    if file and taken[full] then
      arg.fail("--%s and --%s cannot both go to %s", taken[full], format,
        file == "-" and "standard output" or "'" .. file .. "'")
    elseif file == "-" then
      self.stdout = format
    elseif file then
      check_file("--" .. format, file, full)
      self.files[#self.files + 1] = { format = format, file = file, full = full }
    end
    if full then taken[full] = format end
  end
  self.github = asked.github or place.getenv "GITHUB_ACTIONS" == "true"
  return self
end

return outputs
