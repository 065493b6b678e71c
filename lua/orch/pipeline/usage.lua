--- What a script with jobs understands: `orch run deploy.lua --help`, and the list of its
--- params that `orch list` shows.
---
---     io.stdout:write(usage.text(registry, "deploy.lua"))

local options = require "orch.pipeline.options"
local tty = require "orch.tty"

local usage = {}

local GAP, WIDEST = 2, 34

---Whether the words ask for help.
---@param words string[]
---@return boolean
function usage.asked(words)
  for _, word in ipairs(words) do
    if word == "--" then return false end
    if word == "-h" or word == "--help" then return true end
  end
  return false
end

--- Breaks a text into lines of at most `room` columns.
local function wrap(text, room)
  local lines, line = {}, ""
  for word in text:gmatch "%S+" do
    if line ~= "" and tty.width(line) + 1 + tty.width(word) > room then
      lines[#lines + 1], line = line, word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return lines
end

---Rows of two columns, the second of them wrapped.
---@param out string[] lines are added to it
---@param rows {[1]: string, [2]: string}[]
---@param columns integer
function usage.add_rows(out, rows, columns)
  local width = 0
  for _, row in ipairs(rows) do
    local needed = tty.width(row[1])
    if needed <= WIDEST then width = math.max(width, needed) end
  end
  local margin = (" "):rep(2 + width + GAP)
  for _, row in ipairs(rows) do
    local lines = wrap(row[2], math.max(20, columns - #margin))
    local first = "  " .. row[1]
    if tty.width(row[1]) > width then
      out[#out + 1] = first
    else
      local pad = (" "):rep(width - tty.width(row[1]) + GAP)
      out[#out + 1] = (first .. pad .. table.remove(lines, 1)):gsub("%s+$", "")
    end
    for _, line in ipairs(lines) do
      if line ~= "" then out[#out + 1] = margin .. line end
    end
  end
end

local function shown_value(value)
  if value == true then return "on" elseif value == false then return "off" end
  return tostring(value)
end

---A param in two columns: "--channel CHANNEL", "the store's track: internal (default), beta".
---@param param orch.Param
---@return string flag
---@return string explanation
function usage.param(param)
  local flag, parts = param.flag, { param.help }
  if param.type ~= "boolean" then flag = flag .. " " .. param.name:upper():gsub("-", "_") end
  if param.choices then
    local names = {}
    for i, choice in ipairs(param.choices) do
      names[i] = tostring(choice) .. (choice == param.default and " (default)" or "")
    end
    parts[#parts + 1] = table.concat(names, ", ")
  elseif param.required then
    parts[#parts + 1] = "required"
  elseif param.default ~= nil and param.default ~= "" then
    parts[#parts + 1] = "default " .. shown_value(param.default)
  end
  return flag, table.concat(parts, param.choices and ": " or "; ")
end

---@param registry orch.Registry
---@return {[1]: string, [2]: string}[] rows
function usage.params(registry)
  local rows = {}
  for i, param in ipairs(registry.params) do rows[i] = { usage.param(param) } end
  return rows
end

local function option_rows()
  local rows = {}
  for i, one in ipairs(options) do
    rows[i] = { (one.short and one.short .. ", " or "    ") .. one.flag
      .. (one.value and " " .. one.value or ""), one.help }
  end
  return rows
end

local MOST = 40 -- jobs that are shown here; orch list has them all

local function job_rows(registry)
  local rows = {}
  for i, job in ipairs(registry.jobs) do
    if i > MOST then break end
    rows[i] = { job.name, job.desc or "" }
  end
  return rows
end

---The help of a script.
---@param registry orch.Registry
---@param file string
---@param columns integer? default: those of the terminal, at most 100
---@return string
function usage.text(registry, file, columns)
  columns = columns or math.min(100, (tty.size()))
  local jobs = registry.jobs[1] and "[JOB...] [--PARAM VALUE] [OPTIONS]" or "[--PARAM VALUE]"
  local out = { ("Usage: orch run %s %s"):format(file, jobs), "" }
  if registry.params[1] then
    out[#out + 1] = "Params of the script:"
    usage.add_rows(out, usage.params(registry), columns)
    out[#out + 1] = ""
  end
  if registry.jobs[1] then
    out[#out + 1] = registry.default
      and ("Jobs (without a name: %s):"):format(table.concat(registry.default, ", "))
      or "Jobs (names and globs; without a name, all of them):"
    usage.add_rows(out, job_rows(registry), columns)
    if #registry.jobs > MOST then
      out[#out + 1] = ("  ... and %d more: orch list %s"):format(#registry.jobs - MOST, file)
    end
    out[#out + 1] = ""
  end
  if registry.jobs[1] then
    out[#out + 1] = "Options:"
    usage.add_rows(out, option_rows(), columns)
  end
  return table.concat(out, "\n") .. "\n"
end

return usage
