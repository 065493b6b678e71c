-- `orch new pipeline [FILE]`: writes a script with jobs that works as it is.

local arg = require "orch.arg"
local failing = require "orch.cli.failing"
local flags = require "orch.cli.flags"

local EXIT_REFUSED = 7

local templates = { pipeline = { file = "deploy.lua", module = "orch.cli.new_pipeline" } }

local function kind_of(word)
  if word and templates[word] then return templates[word] end
  if not word then arg.fail("what shall it be? orch new pipeline [FILE]") end
  local near = arg.suggest(word, arg.keys_of(templates))
  arg.fail("orch new cannot write '%s'%s", word, near and ("; did you mean '%s'?"):format(near)
    or "; it knows: " .. table.concat(arg.keys_of(templates), ", "))
end

local function main(found, outer)
  if found[3] then arg.fail("orch new takes one FILE, not '%s' as well", found[3]) end
  local _ <close> = outer.folder and require("orch.place").cd(outer.folder) or nil
  local template, fs = kind_of(found[1]), require "orch.fs"
  local file = found[2] or template.file
  if not file:find "%.lua$" then file = file .. ".lua" end
  if fs.exists(file, { follow = false }) then
    io.stderr:write(("orch: '%s' is there already and is left as it is; name another file: "
      .. "orch new %s FILE\n"):format(file, found[1]))
    return EXIT_REFUSED
  end
  local text = require(template.module):gsub("@FILE@", (file:gsub("%%", "%%%%")))
  fs.write(file, text)
  io.stdout:write(("wrote %s; look at it, and try:\n  orch list %s\n  orch run -n %s\n"
    .. "  orch run %s\n"):format(file, file, file, file))
  return 0
end

---@async
---@param words string[] what follows "new"
---@param outer {folder: string?} options that stood before it
---@return integer exit_code
return function(words, outer)
  local found, code = flags.parse("new", words)
  if not found then return code end
  return failing.guard(main, found, outer)
end
