-- A large file down or up: transfer.lua download URL PATH, transfer.lua upload PATH URL.
local what, from, to = table.unpack(orch.args)
if what == "download" then
  orch.http.download(from, to)
  print("answer", orch.fs.size(to))
else
  print(orch.http.upload(from, to).body)
end
