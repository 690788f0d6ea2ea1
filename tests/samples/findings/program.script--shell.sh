#!/bin/sh
echo weigh
