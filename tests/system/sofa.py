# SPDX-License-Identifier: Apache-2.0
"""SOFA files, good and bad, by netCDF's ncgen."""

import shutil
import struct
import subprocess

NCGEN = shutil.which("ncgen")

TEMPLATE = """netcdf set {{
dimensions: M = {directions} ; N = {frames} ; R = {receivers} ; E = 1 ; C = 3 ; I = 1 ;
variables:
  double ListenerPosition(I, C) ; ListenerPosition:Type = "cartesian" ; ListenerPosition:Units = "metre" ;
  double ListenerUp(I, C) ;
  double ListenerView(I, C) ; ListenerView:Type = "cartesian" ; ListenerView:Units = "metre" ;
  double ReceiverPosition(R, C, I) ; ReceiverPosition:Type = "cartesian" ; ReceiverPosition:Units = "metre" ;
  double EmitterPosition(E, C, I) ; EmitterPosition:Type = "cartesian" ; EmitterPosition:Units = "metre" ;
  double SourcePosition(M, C) ; SourcePosition:Type = "{coordinates}" ; SourcePosition:Units = "{units}" ;
  double Data.IR(M, R, N) ;
  double Data.SamplingRate({rate_dimension}) ; Data.SamplingRate:Units = "hertz" ;
  double Data.Delay(I, R) ;
  :Conventions = "{format}" ; :Version = "1.0" ; :DataType = "FIR" ; :RoomType = "free field" ;
  :SOFAConventions = "{convention}" ; :SOFAConventionsVersion = "1.0" ; :APIName = "test" ; :APIVersion = "1" ;
  :Title = "" ; :DatabaseName = "" ; :ListenerShortName = "" ; :AuthorContact = "" ; :Organization = "" ; :License = "" ;
  :DateCreated = "2020-01-01 00:00:00" ; :DateModified = "2020-01-01 00:00:00" ;
data:
  ListenerPosition = 0, 0, 0 ; ListenerUp = 0, 0, 1 ; ListenerView = 1, 0, 0 ; EmitterPosition = 0, 0, 0 ;
  ReceiverPosition = {ears} ;
  {positions}
  {responses}
  Data.SamplingRate = {rates_hz} ;
  Data.Delay = {delays} ;
}}
"""


def numbers(values):
    return ", ".join("NaN" if value != value else repr(float(value)) for value in values)


def write_sofa(path, directions=3, frames=64, receivers=2, positions=None, responses=None, rates_hz=(48000,), delays=(0, 0),
               coordinates="spherical", units="degree, degree, metre", convention="SimpleFreeFieldHRIR", format="SOFA"):
    """A set of clicks around the horizon, unless anything else is asked for."""
    if positions is None:
        positions = [x for m in range(directions) for x in (360 / directions * m, 0, 1)]
    if responses is None:
        responses = [float(n == 20) for _ in range(directions * receivers) for n in range(frames)]
    text = TEMPLATE.format(
        directions=directions, frames=frames, receivers=receivers, coordinates=coordinates, units=units,
        convention=convention, format=format, rate_dimension="I" if len(rates_hz) == 1 else "M",
        ears=numbers([x for ear in range(receivers) for x in (0, 0.09 if ear == 0 else -0.09, 0)]),
        positions=f"SourcePosition = {numbers(positions)} ;" if positions else "",
        responses=f"Data.IR = {numbers(responses)} ;" if responses else "",
        rates_hz=numbers(rates_hz), delays=numbers(delays))
    source = path.with_suffix(".cdl")
    source.write_text(text)
    subprocess.run([NCGEN, "-k", "netCDF-4", "-o", str(path), str(source)], check=True, capture_output=True, timeout=60)
    source.unlink()
    return path.read_bytes()


def with_length(data):
    """The same bytes of an HDF5 file, whose header says that they are all."""
    at = {0: 40, 1: 44}.get(data[8], 28) if len(data) > 8 else 0
    return data[:at] + struct.pack("<Q", len(data)) + data[at + 8:] if len(data) > at + 8 else data
