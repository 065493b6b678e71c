-- Reads 10,000 files of 4 KB, 64 at a time.
local folder = orch.args[1]
local paths = {}
for i = 1, 10000 do paths[i] = ("%s/%05d.txt"):format(folder, i) end

local function run()
  local bytes = 0
  orch.each(paths, function(path)
    local data = orch.fs.read(path)
    bytes = bytes + #data
  end, { concurrency = 64 })
  return bytes
end

run()
local start = orch.time()
local bytes = run()
print("seconds", orch.time() - start)
print("answer", bytes)
