--- Tables as CSV, by libcsv in its strict mode (RFC 4180).
---
---     local rows = orch.csv.decode "name,size\nrock,512\n"
---     assert(rows[1].name == "rock" and rows[1].size == "512")
---     assert(orch.csv.encode { { name = "a, b", size = 1 } } == 'name,size\n"a, b",1\n')
---
--- All values are text, spaces included. Lines end with LF, CR LF or CR; a byte order mark at
--- the start and empty lines are skipped. Decoding does not wait: it takes about a second for
--- 40 MB, during which no other task runs.
local arg = require "orch.arg"
local core = require "orch.core.csv"
local errors = require "orch.core.error"
local in_file = require "orch.in_file"

local find = string.find

local csv = {}

---@class orch.CsvOptions
---@field separator? string one byte; `,` by default, `;` and `\t` are common
---@field quote? string|false one byte; `"` by default, false: quotes are characters as any other
---@field header? boolean|string[] whether the first row has the names of the columns (default
---  true); or the names of a table without such a row
---@field ragged? boolean rows may have fewer fields than there are columns (those are nil) and
---  more (those are list items of the row)

local spec = { separator = "string", quote = "string|boolean", header = "boolean|table",
  ragged = "boolean" }

local function one_byte(fname, name, value)
  if #value ~= 1 or value:find "[\r\n%z]" then
    arg.fail("%s: option `%s` should be one byte, not %s", fname, name, arg.describe(value))
  end
  return value
end

local function marks(fname, o)
  local separator = one_byte(fname, "separator", o.separator or ",")
  local quote = o.quote
  if quote == true then arg.fail("%s: option `quote` should be one byte, or false", fname) end
  if quote == false then return separator, "" end
  quote = one_byte(fname, "quote", quote or '"')
  if quote == separator then
    arg.fail("%s: options `separator` and `quote` are the same", fname)
  end
  return separator, quote
end

local function check_names(fname, names)
  local seen = {}
  for i, name in ipairs(names) do
    if type(name) ~= "string" then
      arg.fail("%s: name %d of the columns should be a string, not %s", fname, i,
        arg.describe(name))
    end
    if seen[name] then arg.fail("%s: two columns have the name '%s'", fname, name) end
    seen[name] = true
  end
end

local function decode(fname, text, opts)
  local o = arg.options(fname, opts, spec)
  local separator, quote = marks(fname, o)
  local names = type(o.header) == "table" and { table.unpack(o.header) } or nil
  if names then check_names(fname, names) end
  return core.decode(text, separator, quote, names, not names and o.header ~= false, o.ragged)
end

---The rows of a table: by the names of their columns, without a header as lists.
---@param text string
---@param opts? orch.CsvOptions
---@return table<string, string>[]|string[][] rows raises kind `csv` with `line`, and `column`
---  where a quote is wrong
---@return string[]? columns their names, in order
function csv.decode(text, opts)
  arg.check("csv.decode", 1, text, "string")
  return decode("csv.decode", text, opts)
end

---@class orch.CsvEncodeOptions
---@field columns? string[] which ones, and their order; by default all names there are, sorted
---@field header? boolean whether their names are the first row; default true
---@field separator? string
---@field newline? string "\n" by default; "\r\n"

local function number_text(value)
  if math.type(value) == "integer" then return tostring(value) end
  for digits = 15, 17 do
    local text = ("%." .. digits .. "g"):format(value)
    if tonumber(text) == value then return text end
  end
  return tostring(value)
end

--- Lone quotes around what would be an empty line.
local function field(value, special, row, alone)
  local kind = type(value)
  if kind == "string" then -- as most are
  elseif value == nil or (kind == "userdata" and tostring(value) == "null") then
    value = ""
  elseif kind == "number" then
    value = number_text(value)
  elseif kind == "boolean" then
    value = tostring(value)
  else
    errors.throw(errors.make { kind = "csv", row = row,
      message = ("cannot encode %s in row %d"):format(arg.describe(value), row) })
  end
  if find(value, special) or (alone and value == "") then
    if find(value, "\0", 1, true) then
      errors.throw(errors.make { kind = "csv", row = row,
        message = ("cannot encode a NUL byte in row %d"):format(row) })
    end
    return '"' .. value:gsub('"', '""') .. '"'
  end
  return value
end

local function all_names(rows)
  local set = {}
  for _, row in ipairs(rows) do
    for key in pairs(row) do
      if type(key) == "string" then set[key] = true end
    end
  end
  return arg.keys_of(set)
end

---Rows as CSV: fields are quoted where they have to be.
---@param rows table[] tables by the names of columns, or lists; strings, numbers, booleans, nil
---@param opts? orch.CsvEncodeOptions
---@return string text raises kind `csv` with `row`
function csv.encode(rows, opts)
  arg.check("csv.encode", 1, rows, "table")
  local o = arg.options("csv.encode", opts, { columns = "table", header = "boolean",
    separator = "string", newline = "string" })
  local separator = marks("csv.encode", { separator = o.separator })
  local newline = o.newline or "\n"
  if newline ~= "\n" and newline ~= "\r\n" then
    arg.fail('csv.encode: option `newline` should be "\\n" or "\\r\\n"')
  end
  for i, row in ipairs(rows) do
    if type(row) ~= "table" then
      arg.fail("csv.encode: row %d should be a table, not %s", i, arg.describe(row))
    end
  end
  local columns = o.columns or all_names(rows)
  check_names("csv.encode", columns)
  local special, lines = '["\r\n\239%z%' .. separator .. "]", {}
  local function add(values, n, row)
    local fields = {}
    for i = 1, n do fields[i] = field(values[i], special, row, n == 1) end
    lines[#lines + 1] = table.concat(fields, separator) .. newline
  end
  if #columns > 0 and o.header ~= false then add(columns, #columns, 0) end
  for i, row in ipairs(rows) do
    local values, n = row, #row
    if #columns > 0 then
      values, n = {}, #columns
      for at, name in ipairs(columns) do values[at] = row[name] end
      if #row == n and next(values) == nil then values = row end
    end
    add(values, n, i)
  end
  return table.concat(lines)
end

---The rows of a CSV file.
---@async
---@param path orch.Path
---@param opts? orch.CsvOptions
---@return table<string, string>[]|string[][] rows raises kind `os`, or `csv` with `path`
---@return string[]? columns
function csv.load(path, opts)
  arg.check("csv.load", 1, path, "path")
  return in_file("csv", path, pcall(decode, "csv.load", require("orch.fs").read(path), opts))
end

---Writes rows to a file, which is replaced in one step.
---@async
---@param path orch.Path
---@param rows table[]
---@param opts? orch.CsvEncodeOptions
function csv.save(path, rows, opts)
  arg.check("csv.save", 1, path, "path")
  require("orch.fs").write(path, in_file("csv", path, pcall(csv.encode, rows, opts)))
end

return arg.public("orch.csv", csv)
