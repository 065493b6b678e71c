-- `orch new check [NAME]` and `orch new check --from RULE`: a rule of one's own that works as it
-- is, with its test; or a copy of one that comes with orch.

local arg = require "orch.arg"

local RULE = [==[
-- @FILE@: rules of this project. Change a number, save, and look:
--
--   orch check                 all rules, on all files
--   orch check Assets/UI       one folder
--   orch check --watch         again whenever something is saved
--
-- Its tests are in @STEM@_test.lua: orch test @FOLDER@

-- The rules that come with orch: all of them (`orch check --list` shows them). Leave some out
-- with check.use("*", "!texture.name"), or give one another configuration:
check.use "*"
-- check.configure("texture.size", { config = { { "**/UI/**", max = 512 }, { "**", max = 2048 } } })

-- What nobody here can mend.
check.ignore { "**/ThirdParty/**" }

check "@ID@" {
  title = "Pictures are not much longer than wide",       -- what holds where all is well
  why = "A long strip leaves most of a texture atlas empty.",   -- what it costs where it does not
  files = { "**/*.{png,jpg,tga}", "!**/Gradients/**" },   -- which files; "!" leaves some out
  config = {                                              -- the first line that fits a file counts
    { "**/UI/**", most = 16 },
    { "**", most = 8 },
  },
  severity = "warning",                                   -- or "error" (then CI stops), or "info"
  run = function(file, cfg)
    -- file.path, file.name, file.stem, file.extension, file.folder, file.size;
    -- orch.image.info, orch.audio.info and orch.model.info read the header of a file.
    local img = orch.image.info(file.path)
    local ratio = math.max(img.width, img.height) / math.min(img.width, img.height)
    if ratio <= cfg.most then return end
    file:problem {
      "one side is %.1f times the other", ratio,
      found = img.width .. " x " .. img.height,
      wanted = "at most " .. cfg.most .. " times",
      hint = "cut it in two, or put it into a folder Gradients",
    }
  end,
}
]==]

local TEST = [==[
-- Tests of @FILE@. Run: orch test @FOLDER@

describe("@ID@", function()
  it("lets through what is square, and complains of strips", function()
    -- No file is needed: this is what its header would say.
    check.expect("@ID@", { width = 512, height = 512 }):passes()
    check.expect("@ID@", { width = 4096, height = 64 }):fails {
      found = "4096 x 64", severity = "warning", message = "64.0 times",
    }
  end)

  it("allows longer ones in the user interface", function()
    check.expect("@ID@", { width = 1024, height = 64, path = "Assets/UI/bar.png" }):passes()
  end)
end)
]==]

local FROM = [==[
-- A copy of the rules for @WHAT@ that come with orch, yours to change. Those of other kinds still
-- come from orch:
check.use "*"

]==]

local new_check = {}

local function fill(text, values)
  return (text:gsub("@(%u+)@", values))
end

--- "textures" -> checks/textures.lua; a path stays one.
local function file_of(name)
  local file = name:find "/" and name or "checks/" .. name
  return file:find "%.lua$" and file or file .. ".lua"
end

local function write_new(name)
  local file = file_of(name or "project")
  local stem = file:match "([^/]*)%.lua$"
  if stem:find "_test$" then
    arg.fail("a rule file is not called '%s.lua': that is the name of a test", stem)
  end
  local folder = file:match "^(.*)/" or "."
  local word = stem:gsub("[^%w_-]+", "-"):gsub("^%-+", "")
  local values = { FILE = file, FOLDER = folder, STEM = stem }
  values.ID = (word == "" and "project" or word) .. ".strip"
  local test = file:gsub("%.lua$", "_test.lua")
  local given = folder == "checks" and "" or " --rules " .. folder
  return { { file, fill(RULE, values) }, { test, fill(TEST, values) } },
    ("wrote %s, and %s; look at them, and try:\n  orch check%s --rule %s\n  orch check%s\n"
      .. "  orch test %s"):format(file, test, given, values.ID, given, folder)
end

local function line_of(text, id)
  local at = text:find('check "' .. id .. '"', 1, true)
  return at and select(2, text:sub(1, at):gsub("\n", "")) + 1 or 1
end

local function write_copy(name, id)
  local shipped = require "orch.check.shipped"
  local set = require "orch.check.load" { shipped = true }
  local rule = set.by_id[id]
  if not rule then
    local near = arg.suggest(id, arg.keys_of(set.by_id))
    arg.fail("no rule that comes with orch is called '%s'%s", id,
      near and ("; did you mean '%s'?"):format(near) or "; orch check --list shows them")
  end
  local source = shipped.file_of(rule)
  local file = file_of(name or source)
  local others, text = 0, fill(FROM, { WHAT = source }) .. shipped.text(source)
  for _, one in ipairs(set.list) do
    if one.source == rule.source and one ~= rule then others = others + 1 end
  end
  return { { file, text } },
    ("wrote %s: %s and the %d other rules of its file. It is yours now:\n  edit %s:%d\n"
      .. "  orch check --rule %s\n  orch check --explain %s"):format(file, id, others, file,
      line_of(text, id), id, id)
end

---@async
---@param name string? a name, or a path
---@param from string? a rule that comes with orch
---@return {[1]: string, [2]: string}[] files
---@return string words what to do next
function new_check.files(name, from)
  if from then return write_copy(name, from) end
  return write_new(name)
end

return new_check
