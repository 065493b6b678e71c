-- `orch new KIND [FILE]`: writes something to begin with that works as it is.

local arg = require "orch.arg"
local failing = require "orch.cli.failing"
local flags = require "orch.cli.flags"

local EXIT_REFUSED = 7

-- Each gives the files to write, { path, text } in a list, and what to say about them.
local kinds = {
  check = function(found) return require("orch.cli.new_check").files(found[2], found.from) end,
  pipeline = function(found) return require("orch.cli.new_pipeline").files(found[2]) end,
}

local function kind_of(word)
  if word and kinds[word] then return kinds[word] end
  local known = table.concat(arg.keys_of(kinds), ", ")
  if not word then arg.fail("what shall it be? orch new KIND [FILE]; it knows: %s", known) end
  local near = arg.suggest(word, arg.keys_of(kinds))
  arg.fail("orch new cannot write '%s'%s", word, near and ("; did you mean '%s'?"):format(near)
    or "; it knows: " .. known)
end

local function main(found, outer)
  if found[3] then arg.fail("orch new takes one FILE, not '%s' as well", found[3]) end
  if found.from and found[1] ~= "check" then
    arg.fail("--from is for rules: orch new check --from %s", found.from)
  end
  local _ <close> = outer.folder and require("orch.place").cd(outer.folder) or nil
  local files, words = kind_of(found[1])(found)
  local fs = require "orch.fs"
  for _, file in ipairs(files) do
    if fs.exists(file[1], { follow = false }) then
      io.stderr:write(("orch: '%s' is there already and is left as it is; name another file: "
        .. "orch new %s FILE\n"):format(file[1], found[1]))
      return EXIT_REFUSED
    end
  end
  for _, file in ipairs(files) do
    fs.mkdir(fs.path.dirname(file[1]))
    fs.write(file[1], file[2])
  end
  io.stdout:write(words, "\n")
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
