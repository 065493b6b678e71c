--- From patterns to what is to be made of which file; nothing is converted yet.

local arg = require "orch.arg"
local errors = require "orch.core.error"
local place = require "orch.place"
local path = require "orch.fs.path"
local words = require "orch.convert.words"

---@class orch.convert.Item
---@field input string
---@field words table<string, string> the placeholders
---@field outputs string[]
---@field names (string|integer)[]? of the outputs; nil: there is just one
---@field full string[] the outputs resolved
---@field failure any what `to` raised for this file

local OWN = "^%.orch%-"

local function add_output(item, name, value, known)
  if type(value) ~= "string" or value == "" or value:find("\0", 1, true) then
    arg.fail("convert: `to` should give paths, and gives %s for '%s'", arg.describe(value),
      item.input)
  end
  local output = known and words.fill("`to`", value, known) or value
  output = output:gsub("//+", "/"):gsub("/%./", "/")
  if output:sub(-1) == "/" then
    arg.fail("convert: `to` gives '%s', which is a folder, not a file; add {name}", output)
  end
  table.insert(item.outputs, output)
  table.insert(item.full, path.absolute(output))
  if name then table.insert(item.names, name) end
end

--- It may have looked at the file, which may be broken.
local function note_failure(item, err)
  if errors.is(err) and err.kind == "usage" then error(err, 0) end
  item.failure = err
end

local function add_outputs(item, to)
  local known = item.words
  if arg.is_callable(to) then
    local ok
    ok, to = pcall(to, item.input)
    if not ok then return note_failure(item, to) end
    known = nil
  end
  if type(to) ~= "table" then return add_output(item, nil, to, known) end
  item.names = {}
  for i, value in ipairs(to) do add_output(item, i, value, known) end
  for _, name in ipairs(arg.keys_of(to)) do
    if not name:find "^[%a_][%w_]*$" then
      arg.fail("convert: %s is no name for an output", arg.describe(name))
    end
    add_output(item, name, to[name], known)
  end
  if #item.outputs == 0 then arg.fail("convert: `to` gives nothing for '%s'", item.input) end
end

--- Two files that would become one, and files that would be written over.
local function check_outputs(items)
  local inputs, owners = {}, {} -- by resolved path: the input there; the item that writes it
  for _, item in ipairs(items) do inputs[path.absolute(item.input)] = item.input end
  for _, item in ipairs(items) do
    for i, full in ipairs(item.full) do
      local output = item.outputs[i]
      if inputs[full] then
        arg.fail("convert: '%s' would be written over '%s', which is one of the files to convert",
          output, inputs[full])
      elseif owners[full] == item then
        arg.fail("convert: `to` gives '%s' twice for '%s'", output, item.input)
      elseif owners[full] and owners[full].input == item.input then
        arg.fail("convert: `paths` has '%s' twice", item.input)
      elseif owners[full] then
        arg.fail("convert: both '%s' and '%s' would be written to '%s'; add {subfolder} or "
          .. "{extension} to `to`", owners[full].input, item.input, output)
      end
      owners[full] = item
    end
  end
end

---@async
---@param opts orch.ConvertOptions
---@return orch.convert.Item[]
local function plan(opts)
  local files, bases = opts.paths, {}
  if opts.files then
    files, bases = require("orch.fs").glob(opts.files, { type = "file" }), words.bases(opts.files)
  end
  local items = {}
  for i, file in ipairs(files) do
    file = opts.paths and arg.check("convert: paths", i, file, "path") or file
    if not path.basename(file):find(OWN) then
      local item = { input = file, words = words.of(file, bases), outputs = {}, full = {} }
      add_outputs(item, opts.to)
      items[#items + 1] = item
    end
  end
  check_outputs(items)
  if #items == 0 then
    require("orch.log").warn("convert: no file matches", { files = opts.files,
      folder = place.cwd() })
  end
  return items
end

return plan
